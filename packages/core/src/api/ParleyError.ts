/** What goes wrong, for callers who do not know Effect: one class of error with a code and a sentence. */
import * as Cause from "effect/Cause"
import { describeReason, type ReasonWords, soleReason } from "../model/describeReason.ts"
import { type Reason, Refused } from "../model/Refused.ts"
import { StorageFailed } from "../ports/Store.ts"

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

const WORDS: ReasonWords = {
  caller: "The user",
  sentences: {
    NotLoggedIn: "The user does not exist, or is disabled.",
    NoSuchChat: "There is no such chat, or it is private and the user is not a member."
  }
}

export const fromReason = (refused: Reason): ParleyError => {
  const reason = soleReason(refused)
  return new ParleyError(reason._tag, describeReason(reason, WORDS), { reason })
}

/** Errors of ports have their words in what caused them. */
const wordsOf = (failure: unknown): string =>
  failure instanceof Error ? failure.message || wordsOf(failure.cause ?? failure.name) : String(failure)

/** Whatever an effect failed with. */
export const fromFailure = (failure: unknown): ParleyError => {
  if (failure instanceof ParleyError) return failure
  if (failure instanceof Refused) return fromReason(failure.reason)
  if (failure instanceof StorageFailed) {
    return new ParleyError("Unavailable", describeReason({ _tag: "Unavailable" }), { cause: failure.cause })
  }
  return new ParleyError("Failed", wordsOf(failure), { cause: failure })
}

/** Work that was interrupted was interrupted by the engine's end. */
export const fromCause = (cause: Cause.Cause<unknown>): ParleyError =>
  Cause.hasInterruptsOnly(cause) ? closed() : fromFailure(Cause.squash(cause))
