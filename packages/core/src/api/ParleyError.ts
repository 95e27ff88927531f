/** Errors of the promise API: one class with a code and a message. */
import * as Cause from "effect/Cause"
import { describeReason, type ReasonWords, soleReason } from "../model/describeReason.ts"
import { type Reason, Refused } from "../model/Refused.ts"
import { StorageFailed } from "../ports/Store.ts"

/**
 * The tag of a refusal, or:
 * - `Closed`: the engine was closed, or closes.
 * - `Aborted`: the caller's own signal aborted.
 * - `Overflowed`: an iteration over events is too slow, and its buffer is full.
 * - `Failed`: an unexpected failure, described by `cause`.
 */
export type Code = Reason["_tag"] | "Closed" | "Aborted" | "Overflowed" | "Failed"

/** Thrown or rejected by the promise API. */
export class ParleyError extends Error {
  override readonly name = "ParleyError"
  /** The refusal (`NoSuchChat`, `Invalid`, …), or `Closed`, `Unavailable`, `Failed`. */
  readonly code: Code
  /** Details of a refusal: the unknown users, the seconds to wait, … */
  readonly reason: Reason | undefined

  constructor(code: Code, message: string, options: { readonly reason?: Reason; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.reason = options.reason
  }
}

/** Returns the error of calls after `close`. */
export const closed = (): ParleyError => new ParleyError("Closed", "The engine is closed.")

/** Returns the error of a call whose signal was aborted; `cause` is the signal's reason. */
export const aborted = (cause: unknown): ParleyError =>
  new ParleyError("Aborted", "The caller's signal aborted.", { cause })

const REASON_WORDS: ReasonWords = {
  caller: "The user",
  sentences: {
    NotLoggedIn: "The user does not exist, or is disabled.",
    NoSuchChat: "There is no such chat, or it is private and the user is not a member."
  }
}

/** Returns the error of a refused command, with its reason in words. */
export const fromReason = (refused: Reason): ParleyError => {
  const reason = soleReason(refused)
  return new ParleyError(reason._tag, describeReason(reason, REASON_WORDS), { reason })
}

/** Errors of ports carry their message in the cause. */
const messageFrom = (failure: unknown): string =>
  failure instanceof Error ? failure.message || messageFrom(failure.cause ?? failure.name) : String(failure)

/** Converts any failure of an effect. */
export const fromFailure = (failure: unknown): ParleyError => {
  if (failure instanceof ParleyError) return failure
  if (failure instanceof Refused) return fromReason(failure.reason)
  if (failure instanceof StorageFailed) {
    return new ParleyError("Unavailable", describeReason({ _tag: "Unavailable" }), { cause: failure.cause })
  }
  return new ParleyError("Failed", messageFrom(failure), { cause: failure })
}

/** Converts a cause. Interruption only happens when the engine shuts down. */
export const fromCause = (cause: Cause.Cause<unknown>): ParleyError =>
  Cause.hasInterruptsOnly(cause) ? closed() : fromFailure(Cause.squash(cause))
