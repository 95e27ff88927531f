/** Authenticates HTTP requests: by a token of ours, otherwise by the embedder's authenticator. */
import { Forwarded, type RequestInfo, RequestSource } from "@parley/core/Authenticator"
import { refuse, type Refused } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import { ClaimRequest } from "@parley/core/Slots"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import type { Query } from "./query.ts"

/** Returns the token in `Authorization: Bearer`. */
export const bearerOf = ({ headers }: HttpServerRequest): string | undefined =>
  /^bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]

const requestInfo = Effect.fnUntraced(function* (
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<RequestInfo> {
  return {
    kind: "http",
    method: request.method,
    url: request.url,
    headers: new Map(Object.entries(request.headers)),
    query: new Map(query.names().map((name) => [name, query.get(name) ?? ""])),
    address: Option.getOrElse(request.remoteAddress, () => ""),
    forwarded: yield* Forwarded,
    source: yield* RequestSource
  }
})

/** `Retry-After` for a user with too many requests in flight, in seconds. */
const RETRY_AFTER_SECONDS = 1

/** Identifies the user and counts the request against their share of concurrent requests. */
export const authenticate = Effect.fnUntraced(function* (
  ...args: Parameters<typeof identify>
): Effect.fn.Return<User | undefined, Refused> {
  const user = yield* identify(...args)
  const claim = yield* ClaimRequest
  if (user !== undefined && !claim(user.id))
    return yield* refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY_AFTER_SECONDS })
  return user
})

/**
 * Returns the user of the protocol's own token. If that token is present, only it counts, even if it is expired. A bearer
 * token may be ours or the embedder's.
 */
const identify = Effect.fnUntraced(function* (
  sessions: Sessions["Service"],
  request: HttpServerRequest,
  query: Query,
  credentials: {
    readonly token?: string | undefined
    /** A token of ours in a cookie. Browsers send it for pages of any origin, so cross-origin requests other than GET are rejected. */
    readonly cookie?: string | undefined
    readonly bearer?: string | undefined
  }
): Effect.fn.Return<User | undefined, Refused> {
  const { token = "", cookie = "", bearer = "" } = credentials
  if (token !== "") return (yield* sessions.resume(token))?.user
  if (cookie !== "") {
    if (request.method !== "GET") yield* sessions.rejectCrossOrigin(yield* requestInfo(request, query))
    return (yield* sessions.resume(cookie))?.user
  }
  if (bearer !== "") {
    const found = yield* sessions.resume(bearer)
    if (found !== undefined) return found.user
  }
  return yield* sessions.authenticated(yield* requestInfo(request, query))
})
