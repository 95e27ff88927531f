/** Every documented address, with the token before everything else. Source: seeds/000, each "请求方式". */
import type { Engine } from "@parley/core/Engine"
import type { Switchboard } from "@parley/core/Hub"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { performing } from "../_http/runCommands.ts"
import { protocolRoutes, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { bearerOf, requester } from "../_http/authenticate.ts"
import type { Asking, Services } from "./context.ts"
import { edit } from "./editSession.ts"
import { addMember, approveMember, removeMember } from "./members.ts"
import { push, remove } from "./messages.ts"
import { type Parameters, readParameters } from "./params.ts"
import { errors, type NotPending, notPending } from "./errors.ts"
import { start } from "./startSession.ts"

type Operation = (asking: Asking, parameters: Parameters) => Effect.Effect<object, Refused | StorageFailed | NotPending>

export const operations: Readonly<Record<`/${string}`, Operation>> = {
  "/session/start": start,
  "/session/AddMember": addMember,
  "/session/RemoveMember": removeMember,
  "/session/ApproveMember": approveMember,
  "/session/Edit": edit,
  "/message/push": push,
  "/message/remove": remove
}

export interface Grounds extends Services {
  readonly engine: Engine["Service"]
  readonly hub: Switchboard
  readonly sessions: Sessions["Service"]
}

/** The user of `?token=`, or of a bearer token where there is none, or whom the embedder's authenticator knows. */
const userOf = Effect.fnUntraced(function* (
  { sessions }: Grounds,
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<User, Refused> {
  const shown = { token: query.get("token"), bearer: bearerOf(request) }
  return (yield* requester(sessions, request, query, shown)) ?? (yield* refuse({ _tag: "NotLoggedIn" }))
})

const handlerOf =
  (grounds: Grounds, operation: Operation): RouteHandler =>
  (request, query) =>
    Effect.gen(function* () {
      const user = yield* userOf(grounds, request, query)
      const perform = yield* performing(grounds.engine, grounds.hub, user.id)
      const parameters = yield* readParameters(request, grounds.engine.desk.settings.membersPerRequest)
      const asking: Asking = { ...grounds, user, caller: { user: user.id, origin: null }, perform }
      return HttpServerResponse.jsonUnsafe(yield* operation(asking, parameters))
    }).pipe(Effect.catchTag("NotPending", (error) => Effect.succeed(notPending(error))))

export const routesOf = (grounds: Grounds) =>
  protocolRoutes({
    errors,
    routes: Object.fromEntries(
      Object.entries(operations).map(([path, operation]) => [path, { POST: handlerOf(grounds, operation) }])
    )
  })
