/**
 * Encodes responses: `errcode`, `errmsg` and the documented fields, or these sealed in `encrypt`. The status is 200 for
 * every request that was understood. Source: seeds/004, "返回结果"; PROTOCOLS, "youdu".
 */
import { describeReason, type ReasonWords } from "@parley/core/describeReason"
import type { Reason } from "@parley/core/Refused"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { FailureEncoder } from "../_http/protocolRoutes.ts"
import { retryAfter } from "../_http/retryAfter.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Codes other than 0 have their HTTP meaning. */
export interface Failure {
  readonly errcode: number
  /** Complete sentence. */
  readonly errmsg: string
}

export const OK = { errcode: 0, errmsg: "ok" } as const

export const plain = (fields: object): Response => HttpServerResponse.jsonUnsafe({ ...OK, ...fields })

export const sealed = (encrypt: string): Response => HttpServerResponse.jsonUnsafe({ ...OK, encrypt })

/** With an envelope, every response has `encrypt`; in a failure it is empty. */
export const failed = (failure: Failure, envelope: boolean, headers: Readonly<Record<string, string>> = {}): Response =>
  HttpServerResponse.jsonUnsafe({ ...failure, ...(envelope && { encrypt: "" }) }, { headers })

/** `words` are those of the operation; of sessions by default. */
export const refused = (reason: Reason, envelope: boolean, words: ReasonWords = SESSION_WORDS): Response =>
  failed({ errcode: CODES[reason._tag] ?? 400, errmsg: describeReason(reason, words) }, envelope, retryAfter(reason))

/** For requests that were not understood, the status equals `errcode`. */
export const errors: FailureEncoder = {
  refused: (reason) => refused(reason, false),
  failure: (status, errmsg, headers = {}) =>
    HttpServerResponse.jsonUnsafe({ errcode: status, errmsg }, { status, headers })
}

const CODES: Partial<Record<Reason["_tag"], number>> = {
  NotLoggedIn: 401,
  NoSuchChat: 404,
  NoSuchUsers: 404,
  NoSuchFile: 404,
  NotMember: 403,
  Forbidden: 403,
  SendForbidden: 403,
  Blocked: 403,
  CannotRemoveOwner: 403,
  Rejected: 403,
  TooManyAttempts: 429,
  RateLimited: 429,
  Busy: 503,
  Unavailable: 503
}

/** Terms of one group of operations. `fields` are the protocol's names of engine fields. */
export const wordsOf = (
  noun: string,
  fields: Readonly<Record<string, string>>,
  sentences: NonNullable<ReasonWords["sentences"]>
): ReasonWords => ({
  noun,
  caller: "opUser",
  field: (name) => fields[name] ?? name,
  sentences: { NotLoggedIn: "accessToken is missing, unknown or expired.", ...sentences }
})

const SESSION_WORDS = wordsOf(
  "session",
  { name: "title" },
  {
    NoSuchChat: "sessionId: there is no such session.",
    CannotRemoveOwner: "delMember: the owner cannot be removed by others."
  }
)
