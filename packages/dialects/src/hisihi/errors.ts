/**
 * Encodes failures: `{"error": "<code>", "message": "<text>"}` with a status.
 * Source: PROTOCOLS, "hisihi".
 */
import { describeReason, type ReasonWords } from "@parley/core/describeReason"
import { listed } from "@parley/core/Listed"
import type { Reason } from "@parley/core/Refused"
import * as Data from "effect/Data"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { failureCodes, type FailureEncoder } from "../_http/protocolRoutes.ts"
import { retryAfter } from "../_http/retryAfter.ts"

const STATUS = {
  invalid_parameter: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  too_many_requests: 429,
  internal_error: 500,
  unavailable: 503
} as const

export type Code = keyof typeof STATUS

/** A failed request; `message` is for people. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly code: Code
  readonly message: string
  /** Returned as `error` instead of `code`: a host's rejection may have its own code. */
  readonly error?: string
  readonly headers?: Readonly<Record<string, string>>
}> {}

/** Returns a failure for an invalid parameter; `problem` completes its name. */
export const invalid = (name: string, problem: string): Failure =>
  new Failure({ code: "invalid_parameter", message: `${name} ${problem}.` })

export const notFound = (noun: string): Failure =>
  new Failure({ code: "not_found", message: `There is no such ${noun}.` })

export const toResponse = ({ code, message, error = code, headers }: Failure): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { error, message },
    { status: STATUS[code], headers: { ...(code === "unauthorized" && { "www-authenticate": "Bearer" }), ...headers } }
  )

/** Protocol names of engine fields. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["name", "group_name"],
  ["members", "member_client_ids"],
  ["account", "client_id"]
])

const CODES: Partial<Record<Reason["_tag"], Code>> = {
  NotLoggedIn: "unauthorized",
  NoSuchChat: "not_found",
  NotMember: "forbidden",
  Forbidden: "forbidden",
  SendForbidden: "forbidden",
  WrongChatType: "forbidden",
  Blocked: "forbidden",
  CannotRemoveOwner: "forbidden",
  Rejected: "forbidden",
  TooManyAttempts: "too_many_requests",
  RateLimited: "too_many_requests",
  Busy: "unavailable",
  Unavailable: "unavailable"
}

const WORDS: ReasonWords = {
  noun: "group",
  field: (name) => FIELDS.get(name) ?? name,
  sentences: {
    NotLoggedIn: "A valid session token is required as a bearer token.",
    SendForbidden: "You may not speak in this group, and therefore not rename it.",
    NoSuchUsers: ({ users }) => `member_client_ids: there are no such users: ${listed(users)}.`
  }
}

/** Returns the engine's refusal as a failure of this protocol. */
export const failureOf = (reason: Reason): Failure =>
  new Failure({
    code: CODES[reason._tag] ?? "invalid_parameter",
    message: describeReason(reason, WORDS),
    headers: retryAfter(reason),
    ...(reason._tag === "Rejected" && reason.code !== undefined && { error: reason.code })
  })

export const errors: FailureEncoder = {
  refused: (reason) => toResponse(failureOf(reason)),
  failure: (status, message, headers = {}) => toResponse(new Failure({ code: failureCodes[status], message, headers }))
}
