/** Routes of all documented paths; the token is checked first. Source: seeds/000, each "请求方式". */
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { commandRunner } from "../_http/runCommands.ts"
import { protocolRoutes, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { bearerOf, authenticate } from "../_http/authenticate.ts"
import type { RequestContext, SparkDeps } from "./context.ts"
import { editSession } from "./editSession.ts"
import { addMember, approveMember, removeMember } from "./members.ts"
import { push, remove } from "./messages.ts"
import { type Parameters, readParameters } from "./params.ts"
import { errors, type NotPending, notPending } from "./errors.ts"
import { startSession } from "./startSession.ts"

type Operation = (
  context: RequestContext,
  parameters: Parameters
) => Effect.Effect<object, Refused | StorageFailed | NotPending>

export const operations: Readonly<Record<`/${string}`, Operation>> = {
  "/session/start": startSession,
  "/session/AddMember": addMember,
  "/session/RemoveMember": removeMember,
  "/session/ApproveMember": approveMember,
  "/session/Edit": editSession,
  "/message/push": push,
  "/message/remove": remove
}

export interface RouteDeps extends SparkDeps {
  readonly engine: Engine["Service"]
  readonly sessions: Sessions["Service"]
}

/** Returns the user of `?token=`, otherwise of a bearer token, otherwise the user that the embedder's authenticator returns. */
const userOf = Effect.fnUntraced(function* (
  { sessions }: RouteDeps,
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<User, Refused> {
  const credentials = { token: query.get("token"), bearer: bearerOf(request) }
  return (yield* authenticate(sessions, request, query, credentials)) ?? (yield* refuse({ _tag: "NotLoggedIn" }))
})

const handlerOf =
  (deps: RouteDeps, operation: Operation): RouteHandler =>
  (request, query) =>
    Effect.gen(function* () {
      const user = yield* userOf(deps, request, query)
      const runCommand = yield* commandRunner(deps.engine, user.id)
      const parameters = yield* readParameters(request, deps.engine.context.settings.membersPerRequest)
      const context: RequestContext = { ...deps, user, caller: { user: user.id, device: null }, runCommand }
      return HttpServerResponse.jsonUnsafe(yield* operation(context, parameters))
    }).pipe(Effect.catchTag("NotPending", (error) => Effect.succeed(notPending(error))))

export const routesOf = (deps: RouteDeps) =>
  protocolRoutes({
    errors,
    routes: Object.fromEntries(
      Object.entries(operations).map(([path, operation]) => [path, { POST: handlerOf(deps, operation) }])
    )
  })
