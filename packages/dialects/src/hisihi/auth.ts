/**
 * Authenticates requests. The document defines no authentication; `hisihi.auth` selects it. Source: PROTOCOLS, "hisihi".
 *
 * - `open`: anonymous access. Only in a demonstration that is served to this machine alone.
 * - `token`: the user of a session, by its token as a bearer token, or the user that the embedder's authenticator returns.
 */
import type { Chat } from "@parley/core/Chat"
import { isForwarded, isLoopbackAddress } from "@parley/core/ClientAddress"
import type { ServeContext } from "@parley/core/Dialect"
import { DialectConfigError } from "@parley/core/Dialect"
import type { Caller } from "@parley/core/Event"
import { UserId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Facts } from "@parley/core/rules/Rule"
import type { Sessions } from "@parley/core/Sessions"
import { choice } from "@parley/core/Settings"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import type { Query } from "../_http/query.ts"
import { bearerOf, authenticate } from "../_http/authenticate.ts"
import { DIALECT } from "./records.ts"
import { Failure } from "./errors.ts"

export const authSetting = choice(
  "hisihi.auth",
  ["auto", "open", "token"],
  "auto",
  "Access to the hisihi protocol. `open`: anonymous, only in a demonstration (`--demo`), which serves this machine only; `token`: users with a session, each for themself; `auto`: `open` in a demonstration, otherwise `token`."
)

export interface Principal {
  readonly caller: Caller
  /** Undefined for anonymous access. */
  readonly user: User | undefined
  /** Returns the facts for rules about a chat. */
  readonly facts: (chat: Chat) => Facts
}

export type Authenticate = (request: HttpServerRequest, query: Query) => Effect.Effect<Principal, Failure | Refused>

const anonymous: Principal = {
  caller: { via: DIALECT, device: null },
  user: undefined,
  facts: (chat) => ({ user: { id: UserId(0), admin: false }, via: DIALECT, chat })
}

/** Returns whether the client's address is known and is not a loopback address. */
const isRemote = ({ remoteAddress }: HttpServerRequest): boolean => {
  const address = Option.getOrElse(remoteAddress, () => "")
  return address !== "" && !isLoopbackAddress(address)
}

/**
 * Refuses forwarded requests as well: behind a proxy on this machine, remote clients may have a loopback address.
 */
const authenticateOpen: Authenticate = (request) =>
  !isForwarded(Object.keys(request.headers)) && !isRemote(request)
    ? Effect.succeed(anonymous)
    : Effect.fail(
        new Failure({
          code: "forbidden",
          message:
            "Requests from another machine or through a proxy are refused while hisihi.auth is open; set hisihi.auth to token."
        })
      )

const authenticateToken = (sessions: Sessions["Service"]): Authenticate =>
  Effect.fnUntraced(function* (request, query) {
    const user = yield* authenticate(sessions, request, query, { bearer: bearerOf(request) })
    if (user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
    return { caller: { user: user.id, device: null }, user, facts: (chat) => ({ user, chat }) }
  })

/** Returns the authentication of this setting; fails if the setting is not allowed here. */
export const makeAuthenticate = (
  { demonstration = false, settings }: ServeContext,
  sessions: Sessions["Service"]
): Effect.Effect<Authenticate, DialectConfigError> => {
  const auth = settings[authSetting.key] ?? authSetting.default
  if (auth === "open" && !demonstration) {
    return Effect.fail(
      new DialectConfigError({
        message:
          "hisihi.auth=open allows anonymous access, only in a demonstration (--demo); start with --set hisihi.auth=token"
      })
    )
  }
  return Effect.succeed(auth === "token" || !demonstration ? authenticateToken(sessions) : authenticateOpen)
}

/** Refuses to act for another user's account. Anonymous callers may act for any account that the app names. */
export const requireOwnAccount = ({ user }: Principal, clientId: string): Effect.Effect<void, Failure> =>
  user === undefined || user.account === clientId
    ? Effect.void
    : Effect.fail(new Failure({ code: "forbidden", message: "client_id must be your own account." }))
