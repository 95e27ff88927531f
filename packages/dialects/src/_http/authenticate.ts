/** Who sends an HTTP request: by a token of ours, else by what the embedder's authenticator knows the request by. */
import type { RequestInfo } from "@parley/core/Authenticator"
import { refuse, type Refused } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import { ClaimRequest } from "@parley/core/Slots"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import type { Query } from "./query.ts"

/** The token in `Authorization: Bearer`. */
export const bearerOf = ({ headers }: HttpServerRequest): string | undefined =>
  /^bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]

const requestInfo = (request: HttpServerRequest, query: Query): RequestInfo => ({
  kind: "http",
  method: request.method,
  url: request.url,
  headers: new Map(Object.entries(request.headers)),
  query: new Map(query.names().map((name) => [name, query.get(name) ?? ""])),
  address: Option.getOrElse(request.remoteAddress, () => "")
})

/** Seconds after which a user with too many requests under way may come again. */
const RETRY = 1

/** `identify`, with the request counted for the user: one user may have a share of all requests. */
export const authenticate = Effect.fnUntraced(function* (
  ...shown: Parameters<typeof identify>
): Effect.fn.Return<User | undefined, Refused> {
  const user = yield* identify(...shown)
  const claim = yield* ClaimRequest
  if (user !== undefined && !claim(user.id)) return yield* refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY })
  return user
})

/**
 * The user of the protocol's own token, which counts alone where it is shown, also if it is dead. A bearer token may be
 * the embedder's as well as ours.
 */
const identify = Effect.fnUntraced(function* (
  sessions: Sessions["Service"],
  request: HttpServerRequest,
  query: Query,
  shown: {
    readonly token?: string | undefined
    /** A token of ours in a cookie, which browsers send whatever page asks them to: it changes nothing for foreign pages. */
    readonly cookie?: string | undefined
    readonly bearer?: string | undefined
  }
): Effect.fn.Return<User | undefined, Refused> {
  const { token = "", cookie = "", bearer = "" } = shown
  if (token !== "") return (yield* sessions.resume(token))?.user
  if (cookie !== "") {
    if (request.method !== "GET") yield* sessions.rejectCrossOrigin(requestInfo(request, query))
    return (yield* sessions.resume(cookie))?.user
  }
  if (bearer !== "") {
    const found = yield* sessions.resume(bearer)
    if (found !== undefined) return found.user
  }
  return yield* sessions.authenticated(requestInfo(request, query))
})
