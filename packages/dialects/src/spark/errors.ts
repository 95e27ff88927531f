/**
 * Encodes failures: `{success: false, error, message}`. Source: PROTOCOLS, "spark". Operations are refused with 400, 401,
 * 403, 404 or 409; 405, 413 and 429 concern the request itself, 500 and 503 are faults of the server.
 */
import { describeReason, type ReasonWords, soleReason } from "@parley/core/describeReason"
import { listed } from "@parley/core/Listed"
import type { Reason } from "@parley/core/Refused"
import * as Data from "effect/Data"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { failureCodes, type FailureEncoder } from "../_http/protocolRoutes.ts"
import { retryAfter } from "../_http/retryAfter.ts"
import { ATTRIBUTE } from "./sessionKey.ts"

/** The accounts do not wait for approval. */
export class NotPending extends Data.TaggedError("NotPending")<{ readonly accounts: ReadonlyArray<string> }> {}

type Response = HttpServerResponse.HttpServerResponse

const failure = (
  status: number,
  error: string,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): Response => HttpServerResponse.jsonUnsafe({ success: false, error, message }, { status, headers })

/** Status and code by reason; by default 400, `invalid_parameter`. */
const STATUS_AND_CODE: { readonly [T in Reason["_tag"]]?: readonly [status: number, error: string] } = {
  NotLoggedIn: [401, "unauthorized"],
  WrongPassword: [401, "unauthorized"],
  TooManyAttempts: [429, "too_many_attempts"],
  RateLimited: [429, "rate_limited"],
  NoSuchChat: [404, "no_such_session"],
  NoSuchUsers: [404, "no_such_users"],
  NoSuchMessage: [404, "no_such_message"],
  NoSuchFile: [404, "no_such_file"],
  NotMember: [403, "not_a_member"],
  Forbidden: [403, "forbidden"],
  SendForbidden: [403, "may_not_speak"],
  NotPublic: [403, "forbidden"],
  WrongChatType: [403, "not_a_session"],
  Blocked: [403, "forbidden"],
  CannotRemoveOwner: [403, "owner_stays"],
  GidTaken: [409, "conflict"],
  AccountTaken: [409, "conflict"],
  RecordTaken: [409, "conflict"],
  Recalled: [409, "conflict"],
  Busy: [409, "busy"],
  Unavailable: [503, "unavailable"],
  Rejected: [403, "forbidden"]
}

/** Maps the engine's field names to this protocol's. */
const fieldOf = (field: string): string => {
  if (field === "members") return "To"
  if (field === "content") return "Content"
  if (field === "name") return "Data.name"
  if (field === "data") return "Data"
  return field.startsWith(`data.${ATTRIBUTE}`) ? `Data.${field.slice(`data.${ATTRIBUTE}`.length)}` : field
}

const UNAUTHORIZED = "The token is missing, unknown or expired."
const CONFLICT = "The name is taken."

const WORDS: ReasonWords = {
  noun: "session",
  field: fieldOf,
  sentences: {
    NotLoggedIn: UNAUTHORIZED,
    WrongPassword: UNAUTHORIZED,
    GidTaken: CONFLICT,
    AccountTaken: CONFLICT,
    RecordTaken: CONFLICT,
    Recalled: "The message was removed."
  }
}

const refused = (refusal: Reason): Response => {
  const reason = soleReason(refusal)
  const [status, error] = STATUS_AND_CODE[reason._tag] ?? [400, "invalid_parameter"]
  // A host's rejection may have its own code.
  return failure(
    status,
    reason._tag === "Rejected" ? (reason.code ?? error) : error,
    describeReason(reason, WORDS),
    retryAfter(reason)
  )
}

export const notPending = ({ accounts }: NotPending): Response =>
  failure(409, "not_pending", `These users do not wait for approval: ${listed(accounts)}.`)

export const errors: FailureEncoder = {
  refused,
  failure: (status, message, headers) => failure(status, failureCodes[status], message, headers)
}
