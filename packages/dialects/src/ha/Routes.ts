/** The documented paths. Every answer is in this protocol's shape, whatever went wrong. */
import { logStorageFailure } from "@parley/core/Availability"
import type { Engine } from "@parley/core/Engine"
import type { Switchboard } from "@parley/core/Hub"
import type { Places } from "@parley/core/Places"
import type { Refused } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import type { StorageFailed, Store } from "@parley/core/Store"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { type Fields, readFields } from "../Fields.ts"
import { type Perform, performing } from "../Perform.ts"
import { type Query, queryOf, type UnreadableQuery } from "../Query.ts"
import type { UnreadableBody } from "../UnreadableBody.ts"
import { createConversation } from "./Conversations.ts"
import { failure, refused, success } from "./Envelope.ts"
import { type Asker, identify, type UnknownApp } from "./Identity.ts"
import type { Keys } from "./Keys.ts"
import { type Limits, listMessages } from "./Listing.ts"
import { deleteMessage, sendMessage } from "./Messages.ts"

/** Routes that a host adds to its router; they answer all their errors themselves. */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

export interface Services {
  readonly keys: Keys
  readonly engine: Engine["Service"]
  readonly hub: Switchboard
  readonly sessions: Sessions["Service"]
  readonly places: Places["Service"]
  readonly store: Store["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly limits: Limits
}

type Failure = Refused | StorageFailed | UnknownApp | UnreadableBody | UnreadableQuery

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const
type Method = (typeof METHODS)[number]

/** What begins like a documented path and is none. */
export const otherwise: HttpRoutes = HttpRouter.add("*", "*", failure(404, "There is nothing at this path."))

export const routesOf = (services: Services): HttpRoutes => {
  const { keys, engine, hub, sessions, store } = services

  const route = <A>(
    method: Method,
    path: `/${string}`,
    work: (
      asker: Asker,
      perform: Perform,
      request: HttpServerRequest.HttpServerRequest,
      query: Query
    ) => Effect.Effect<A, Failure>
  ) =>
    HttpRouter.add(
      method,
      path,
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const query = yield* queryOf(request)
        const asker = yield* identify(keys, sessions, request, query)
        const perform = yield* performing(engine, hub, asker.user.id)
        return success(yield* work(asker, perform, request, query))
      }).pipe(
        Effect.catchTags({
          Refused: ({ reason }) => Effect.succeed(refused(reason)),
          UnknownApp: () => Effect.succeed(failure(401, "X-HA-Key is missing or unknown.")),
          UnreadableBody: ({ status, problem }) => Effect.succeed(failure(status, `The body ${problem}.`)),
          UnreadableQuery: ({ sentence }) => Effect.succeed(failure(400, sentence)),
          StorageFailed: (failed) =>
            Effect.as(
              logStorageFailure(`storage failed: ${failed.operation}`, failed.cause),
              refused({ _tag: "Unavailable" })
            )
        }),
        Effect.catchDefect((defect) =>
          Effect.as(Effect.logError(`${method} ${path} broke off`, defect), failure(500, "Internal server error."))
        )
      )
    )

  const withBody =
    <A>(work: (asker: Asker, perform: Perform, fields: Fields) => Effect.Effect<A, Failure>) =>
    (asker: Asker, perform: Perform, request: HttpServerRequest.HttpServerRequest) =>
      Effect.flatMap(readFields(request), (fields) => work(asker, perform, fields))

  /** Whatever else is asked of a documented path. */
  const others = (path: `/${string}`, allowed: ReadonlyArray<Method>) => {
    const answer = failure(405, `${path} takes ${allowed.join(", ")}.`, { allow: allowed.join(", ") })
    const routes = METHODS.filter((method) => !allowed.includes(method)).map((method) =>
      HttpRouter.add(method, path, answer)
    )
    return routes.reduce<HttpRoutes>((all, one) => Layer.merge(all, one), Layer.empty)
  }

  return Layer.mergeAll(
    route("POST", "/conversation", withBody(createConversation)),
    route(
      "POST",
      "/message",
      withBody((asker, perform, fields) => sendMessage(services, asker, perform, fields))
    ),
    route("GET", "/message", (asker, perform, _, query) => listMessages(services, asker, perform, query)),
    route(
      "DELETE",
      "/message",
      withBody((asker, perform, fields) => deleteMessage(store, engine, asker, perform, fields))
    ),
    others("/conversation", ["POST"]),
    others("/message", ["GET", "POST", "DELETE"])
  )
}
