/**
 * Authenticates the app by its key and the user by their session, each in either of the document's two spellings; without
 * a session, the embedder's authenticator identifies the user.
 * Source: seeds/003, "Headers"; PROTOCOLS, "ha".
 */
import type { UserCaller } from "@parley/core/Event"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import type { User } from "@parley/core/User"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { Query } from "../_http/query.ts"
import { authenticate } from "../_http/authenticate.ts"
import type { ApiKeys } from "./apiKeys.ts"

export class UnknownApp extends Data.TaggedError("UnknownApp")<{}> {}

export interface Principal {
  readonly user: User
  readonly caller: UserCaller
}

export const authenticateUser = Effect.fnUntraced(function* (
  keys: ApiKeys,
  sessions: Sessions["Service"],
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<Principal, UnknownApp | Refused> {
  const { headers } = request
  const key = headers["x-ha-key"] ?? headers["x-app-key"] ?? ""
  if (!(yield* keys.isKnown(key))) return yield* new UnknownApp()
  const user = yield* authenticate(sessions, request, query, {
    token: headers["x-ha-session"] ?? headers["x-app-session"]
  })
  if (user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  // No device, so that the user's own chat clients receive the message as well.
  return { user, caller: { user: user.id, device: null } }
})
