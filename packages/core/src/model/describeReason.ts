/**
 * Describes refusals in one sentence each: one table for all protocols and interfaces, with the protocols' own terms as
 * options.
 */
import { listed, shortened } from "./Listed.ts"
import type { Reason } from "./Refused.ts"

/** Maximum number of characters of a gid or an account in a sentence. */
const MAX_ID = 255

type Tag = Reason["_tag"]

/** Terms of one audience, for `describeReason`. */
export interface ReasonWords {
  /** Noun for a chat; `chat` by default. */
  readonly noun?: string
  /** Subject for the caller; `You` by default. */
  readonly caller?: string
  /** Maps an engine field to the protocol's name for it. */
  readonly field?: (name: string) => string
  /** Sentences that replace the table's. */
  readonly sentences?: {
    readonly [T in Tag]?: string | ((reason: Extract<Reason, { readonly _tag: T }>) => string)
  }
}

/** Returns the refusal as one English sentence with a full stop. */
export const describeReason = (reason: Reason, words: ReasonWords = {}): string => {
  const own = words.sentences?.[reason._tag]
  if (typeof own === "string") return own
  // Each sentence is typed with the reason of its own tag.
  if (own !== undefined) return (own as (reason: Reason) => string)(reason)
  const { noun = "chat", caller = "You" } = words
  switch (reason._tag) {
    case "NotLoggedIn":
      return "You are not logged in, or your session has ended."
    case "WrongPassword":
      return "The account or the password is wrong."
    case "TooManyAttempts":
      return `Too many failed logins; retry in ${reason.retryAfterSeconds} seconds.`
    case "RateLimited":
      return reason.of === "slow mode"
        ? `This ${noun} is in slow mode; retry in ${reason.retryAfterSeconds} seconds.`
        : `Too many ${reason.of ?? "requests"}; retry in ${reason.retryAfterSeconds} seconds.`
    case "NoSuchChat":
      return `There is no such ${noun}.`
    case "NoSuchUsers":
      return `There are no such users: ${listed(reason.users)}.`
    case "NoSuchMessage":
      return "There is no such message."
    case "NoSuchFile":
      return "There is no such file."
    case "NotMember":
      return `${caller} ${caller === "You" ? "are" : "is"} not a member of this ${noun}.`
    case "Forbidden":
      return `Only ${reason.requires} may do this.`
    case "SendForbidden":
      return `${caller} may not speak in this ${noun}.`
    case "NotPublic":
      return `This ${noun} is not public.`
    case "WrongChatType":
      return `This needs ${reason.needs}.`
    case "Blocked":
      return reason.users === undefined
        ? `${caller} ${caller === "You" ? "are" : "is"} blocked from this ${noun}.`
        : `These users are blocked from the ${noun}: ${listed(reason.users)}.`
    case "CannotRemoveOwner":
      return `The owner of the ${noun} cannot be removed.`
    case "TargetsNotMembers":
      return `These users are not members of the ${noun}: ${listed(reason.users)}.`
    case "GidTaken":
      return `The gid ${shortened(reason.gid, MAX_ID)} is taken.`
    case "AccountTaken":
      return `The account ${shortened(reason.account, MAX_ID)} is taken.`
    case "RecordTaken":
      return "The record exists already, or has changed."
    case "Recalled":
      return "The message was recalled."
    case "Invalid":
      return `${words.field?.(reason.field) ?? reason.field} ${reason.problem}.`
    case "MessagesRefused": {
      const [first] = reason.refusals
      return first === undefined
        ? "No message was stored."
        : `No message was stored. ${describeReason(first.reason, words)}`
    }
    case "Busy":
      return "Concurrent modification; retry."
    case "Unavailable":
      return "The storage does not respond; retry."
    case "Rejected":
      return reason.message
  }
}

/** Returns the reason of the only refused message, otherwise the reason itself. */
export const soleReason = (reason: Reason): Reason => {
  if (reason._tag !== "MessagesRefused") return reason
  const [first, ...more] = reason.refusals
  return first === undefined || more.length > 0 ? reason : first.reason
}
