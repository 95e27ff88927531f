/** Every documented address, with the token before everything else. Source: seeds/000, each "请求方式". */
import { logStorageFailure } from "@parley/core/Availability"
import type { Engine } from "@parley/core/Engine"
import type { Switchboard } from "@parley/core/Hub"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { performing } from "../Perform.ts"
import { queryOf, type UnreadableQuery } from "../Query.ts"
import { bearerOf, requester } from "../Requester.ts"
import type { Asking, Services } from "./Asking.ts"
import { edit } from "./Edit.ts"
import { addMember, approveMember, removeMember } from "./Members.ts"
import { push, remove } from "./Messages.ts"
import { type Parameters, readParameters } from "./Parameters.ts"
import {
  broken,
  failure,
  type NotPending,
  notPending,
  refused,
  unreadable,
  unreadableQuery,
  wrongMethod
} from "./Refusals.ts"
import { start } from "./Start.ts"

/** Routes that a host adds to its router; they answer all their errors themselves. */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

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
  request: HttpServerRequest.HttpServerRequest
): Effect.fn.Return<User, Refused | UnreadableQuery> {
  const query = yield* queryOf(request)
  const shown = { token: query.get("token"), bearer: bearerOf(request) }
  return (yield* requester(sessions, request, query, shown)) ?? (yield* refuse({ _tag: "NotLoggedIn" }))
})

const respond = (
  grounds: Grounds,
  path: string,
  operation: Operation
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest | Scope.Scope> =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.method !== "POST") return wrongMethod
    const user = yield* userOf(grounds, request)
    const perform = yield* performing(grounds.engine, grounds.hub, user.id)
    const parameters = yield* readParameters(request, grounds.engine.desk.settings.membersPerRequest)
    const asking: Asking = { ...grounds, user, caller: { user: user.id, origin: null }, perform }
    return HttpServerResponse.jsonUnsafe(yield* operation(asking, parameters))
  }).pipe(
    Effect.catchTags({
      Refused: ({ reason }) => Effect.succeed(refused(reason)),
      NotPending: (error) => Effect.succeed(notPending(error)),
      UnreadableBody: (error) => Effect.succeed(unreadable(error)),
      UnreadableQuery: (error) => Effect.succeed(unreadableQuery(error)),
      StorageFailed: (failed) =>
        Effect.as(
          logStorageFailure(`storage failed: ${failed.operation}`, failed.cause),
          refused({ _tag: "Unavailable" })
        )
    }),
    Effect.catchDefect((defect) => Effect.as(Effect.logError(`${path} broke off`, defect), broken))
  )

/** What begins like a documented address and is none. */
export const otherwise: HttpRoutes = HttpRouter.add(
  "*",
  "*",
  failure(404, "not_found", "There is nothing at this address.")
)

export const routesOf = (grounds: Grounds): HttpRoutes => {
  const [first, ...others] = Object.entries(operations).map(([path, operation]) =>
    HttpRouter.add("*", path as `/${string}`, respond(grounds, path, operation))
  )
  return first === undefined ? Layer.empty : Layer.mergeAll(first, ...others)
}
