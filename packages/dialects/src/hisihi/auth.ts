/**
 * Who asks. The document names nobody; `hisihi.auth` decides. Source: PROTOCOLS, "hisihi".
 *
 * - `open`: anybody, for nobody in particular. Only where a demonstration is served to this machine alone.
 * - `token`: the user of a session, by its token as a bearer token, or whom the embedder's authenticator knows.
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
  "Access to the hisihi protocol: `open` for all, and only in a demonstration (`--demo`), which serves this machine only; `token` for users with a session, each for themself; `auto` is `open` where that is allowed, else `token`."
)

export interface Principal {
  readonly caller: Caller
  /** Undefined for nobody in particular. */
  readonly user: User | undefined
  /** What rules decide on when it asks about a chat. */
  readonly facts: (chat: Chat) => Facts
}

export type Authenticate = (request: HttpServerRequest, query: Query) => Effect.Effect<Principal, Failure | Refused>

const anonymous: Principal = {
  caller: { via: DIALECT, device: null },
  user: undefined,
  facts: (chat) => ({ user: { id: UserId(0), admin: false }, via: DIALECT, chat })
}

/** By its address, where that is known. */
const isRemote = ({ remoteAddress }: HttpServerRequest): boolean => {
  const address = Option.getOrElse(remoteAddress, () => "")
  return address !== "" && !isLoopbackAddress(address)
}

/** Behind a proxy on this machine everybody seems to come from it, whoever the proxy says that it was, and may be believed. */
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

/** How it is told who asks, where this site allows what is set. */
export const authenticators = (
  site: ServeContext,
  sessions: Sessions["Service"]
): Effect.Effect<Authenticate, DialectConfigError> => {
  const auth = site.settings[authSetting.key] ?? authSetting.default
  const demonstration = site.demonstration === true
  if (auth === "open" && !demonstration) {
    return Effect.fail(
      new DialectConfigError({
        message:
          "hisihi.auth=open lets anybody in, and is only for a demonstration (--demo); start with --set hisihi.auth=token"
      })
    )
  }
  return Effect.succeed(auth === "token" || !demonstration ? authenticateToken(sessions) : authenticateOpen)
}

/** With a session one acts for oneself only; without one, `clientId` is whoever the app says. */
export const actingAs = ({ user }: Principal, clientId: string): Effect.Effect<void, Failure> =>
  user === undefined || user.account === clientId
    ? Effect.void
    : Effect.fail(new Failure({ code: "forbidden", message: "client_id must be your own account." }))
