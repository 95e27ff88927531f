/** What goes wrong, for callers who do not know Effect: one class of error with a code and a sentence. */
import * as Cause from "effect/Cause"
import { type Reason, Refused } from "../Refused.ts"
import { StorageFailed } from "../Store.ts"

/**
 * The state that a refusal names, or:
 * - `Closed`: the engine was closed, or closes.
 * - `Aborted`: the caller's own signal said so.
 * - `Overflowed`: who iterates over events is too slow, and too many wait.
 * - `Failed`: something that should not happen; `cause` says what.
 */
export type Code = Reason["_tag"] | "Closed" | "Aborted" | "Overflowed" | "Failed"

/** Thrown, or rejected with, by everything that takes promises. */
export class ParleyError extends Error {
  override readonly name = "ParleyError"
  readonly code: Code
  /** All that is known of a refusal: the users who do not exist, the seconds to wait, … */
  readonly reason: Reason | undefined

  constructor(code: Code, message: string, options: { readonly reason?: Reason; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.reason = options.reason
  }
}

export const closed = (): ParleyError => new ParleyError("Closed", "The engine is closed.")

export const aborted = (cause: unknown): ParleyError =>
  new ParleyError("Aborted", "The caller's signal aborted.", { cause })

/** A refusal in one sentence. */
export const sentenceOf = (reason: Reason): string => {
  switch (reason._tag) {
    case "NotLoggedIn":
      return "There is no such user, or the user is disabled or not here."
    case "WrongPassword":
      return "The account or the password is wrong."
    case "TooManyAttempts":
      return `Too many failed logins; another is allowed in ${reason.retryAfterSeconds} seconds.`
    case "RateLimited":
      return `Too many requests; retry in ${reason.retryAfterSeconds} seconds.`
    case "NoSuchChat":
      return "There is no such chat, or it is private and the user is not in it."
    case "NoSuchUsers":
      return `There are no such users: ${reason.users.join(", ")}.`
    case "NoSuchMessage":
      return "There is no such message."
    case "NoSuchFile":
      return "There is no such file."
    case "NotMember":
      return "The user is no member of the chat."
    case "Only":
      return `Only ${reason.who} may do this.`
    case "MayNotSpeak":
      return "The user may not speak in the chat."
    case "NotPublic":
      return "The chat is not public."
    case "WrongChatType":
      return `This needs ${reason.needs}.`
    case "OwnerStays":
      return "The owner of a chat cannot be removed."
    case "NotAMember":
      return `These users are no members of the chat: ${reason.users.join(", ")}.`
    case "GidTaken":
      return `The gid ${reason.gid} belongs to something else.`
    case "AccountTaken":
      return `The account ${reason.account} is taken.`
    case "RecordTaken":
      return `${reason.key} is there already.`
    case "Recalled":
      return "The message was recalled."
    case "Invalid":
      return `${reason.field} ${reason.problem}.`
    case "Busy":
      return "Others keep changing the same; nothing was done, and trying again may help."
    case "MessagesRefused":
      return `Nothing was stored: ${reason.refusals.map(({ index, reason: why }) => `message ${index}: ${sentenceOf(why)}`).join(" ")}`
    case "Unavailable":
      return "The storage does not answer; doing the same again is safe."
    default:
      // Refusals in the host's own words.
      return reason.message
  }
}

/** Where only one message was sent, its reason is the refusal's. */
const plain = (reason: Reason): Reason => {
  if (reason._tag !== "MessagesRefused") return reason
  const [first, ...more] = reason.refusals
  return first === undefined || more.length > 0 ? reason : first.reason
}

export const fromReason = (refused: Reason): ParleyError => {
  const reason = plain(refused)
  return new ParleyError(reason._tag, sentenceOf(reason), { reason })
}

/** Errors of ports have their words in what caused them. */
const wordsOf = (failure: unknown): string =>
  failure instanceof Error ? failure.message || wordsOf(failure.cause ?? failure.name) : String(failure)

/** Whatever an effect failed with. */
export const fromFailure = (failure: unknown): ParleyError => {
  if (failure instanceof ParleyError) return failure
  if (failure instanceof Refused) return fromReason(failure.reason)
  if (failure instanceof StorageFailed) {
    return new ParleyError("Unavailable", sentenceOf({ _tag: "Unavailable" }), { cause: failure.cause })
  }
  return new ParleyError("Failed", wordsOf(failure), { cause: failure })
}

/** Work that was interrupted was interrupted by the engine's end. */
export const fromCause = (cause: Cause.Cause<unknown>): ParleyError =>
  Cause.hasInterruptsOnly(cause) ? closed() : fromFailure(Cause.squash(cause))
