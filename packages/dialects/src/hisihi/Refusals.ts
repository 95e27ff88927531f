/**
 * Failures as this protocol says them: `{"error": "<code>", "message": "<text>"}` with a status.
 * Source: PROTOCOLS, "hisihi".
 */
import type { Reason } from "@parley/core/Refused"
import * as Data from "effect/Data"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { listed } from "../Listed.ts"
import { retryAfter } from "../RetryAfter.ts"

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

/** A request that is not carried out; `message` is for people. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly code: Code
  readonly message: string
  /** What is answered as `error` instead of `code`: a host that refuses may have a code of its own. */
  readonly error?: string
  readonly headers?: Readonly<Record<string, string>>
}> {}

/** A parameter that is wrong, with words that follow its name. */
export const invalid = (name: string, problem: string): Failure =>
  new Failure({ code: "invalid_parameter", message: `${name} ${problem}.` })

export const notFound = (what: string): Failure =>
  new Failure({ code: "not_found", message: `There is no such ${what}.` })

export const failed = ({ code, message, error = code, headers }: Failure): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { error, message },
    { status: STATUS[code], headers: { ...(code === "unauthorized" && { "www-authenticate": "Bearer" }), ...headers } }
  )

/** What the engine calls a field, where this protocol has another name for it. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["name", "group_name"],
  ["members", "member_client_ids"],
  ["account", "client_id"]
])

const forbidden = (message: string): Failure => new Failure({ code: "forbidden", message })

/** The engine's refusal in this protocol's words. */
export const failureOf = (reason: Reason): Failure => {
  switch (reason._tag) {
    case "NotLoggedIn":
      return new Failure({ code: "unauthorized", message: "A live session's token is needed as a bearer token." })
    case "NoSuchChat":
      return notFound("group")
    case "NotMember":
      return forbidden("You are not a member of this group.")
    case "Only":
      return forbidden(`Only ${reason.who} may do this.`)
    case "MayNotSpeak":
      return forbidden("You may not speak in this group, so you may not rename it either.")
    case "WrongChatType":
      return forbidden(`This needs ${reason.needs}.`)
    case "OwnerStays":
      return forbidden("The owner of the group cannot be removed.")
    case "Vetoed":
      return new Failure({
        code: "forbidden",
        message: reason.message,
        ...(reason.code !== undefined && { error: reason.code })
      })
    case "TooManyAttempts":
    case "RateLimited":
      return new Failure({
        code: "too_many_requests",
        message: `Try again in ${reason.retryAfterSeconds} seconds.`,
        headers: retryAfter(reason)
      })
    case "Busy":
      return new Failure({ code: "unavailable", message: "Others are changing the same; please try again." })
    case "Unavailable":
      return new Failure({ code: "unavailable", message: "The storage does not answer; please try again." })
    case "Invalid":
      return invalid(FIELDS.get(reason.field) ?? reason.field, reason.problem)
    case "NoSuchUsers":
      return invalid("member_client_ids", `name nobody: ${listed(reason.users)}`)
    default:
      return new Failure({ code: "invalid_parameter", message: `The request was refused: ${reason._tag}.` })
  }
}
