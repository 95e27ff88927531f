/** Requests by HTTP with the token of a client's session, as the SDKs send them. */
import { refuse } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type { RouteHandler } from "../_http/protocolRoutes.ts"
import { authenticate } from "../_http/authenticate.ts"
import type { Deps } from "./context.ts"
import { parseSessionToken } from "./taggedToken.ts"

const TOKEN_HEADER = "x-lc-im-session-token"

/** Returns the user of the token and its device; the query names the same client. */
export const sessionOf = Effect.fnUntraced(function* (
  { sessions }: Pick<Deps, "sessions">,
  ...[request, query]: Parameters<RouteHandler>
) {
  const { token } = parseSessionToken(request.headers[TOKEN_HEADER] ?? "")
  const found = yield* sessions.resume(token)
  if (found?.session.kind !== "device" || found.user.account !== query.get("client_id")) {
    return yield* refuse({ _tag: "NotLoggedIn" })
  }
  // Counts the request among those of the user.
  yield* authenticate(sessions, request, query, { token })
  return { user: found.user, device: found.session.device }
})
