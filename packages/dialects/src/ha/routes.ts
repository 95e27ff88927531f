/** The documented paths. Every answer is in this protocol's shape, whatever went wrong. */
import type { Engine } from "@parley/core/Engine"
import type { Hub } from "@parley/core/Hub"
import type { CursorStore } from "@parley/core/CursorStore"
import type { Sessions } from "@parley/core/Sessions"
import type { Store } from "@parley/core/Store"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { type Fields, readFields } from "../_http/fields.ts"
import { type RunCommand, commandRunner } from "../_http/runCommands.ts"
import { type CommonFailure, protocolRoutes, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { createConversation } from "./conversations.ts"
import { failure, refused, success } from "./responses.ts"
import { type Principal, identify } from "./auth.ts"
import type { ApiKeys } from "./apiKeys.ts"
import { type Limits, listMessages } from "./listMessages.ts"
import { deleteMessage, sendMessage } from "./messages.ts"

export interface RouteDeps {
  readonly keys: ApiKeys
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly sessions: Sessions["Service"]
  readonly cursors: CursorStore["Service"]
  readonly store: Store["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly limits: Limits
}

export const routesOf = (services: RouteDeps) => {
  const { keys, engine, sessions, store } = services

  const route =
    <A>(
      work: (
        principal: Principal,
        perform: RunCommand,
        request: HttpServerRequest,
        query: Query
      ) => Effect.Effect<A, CommonFailure>
    ): RouteHandler =>
    (request, query) =>
      Effect.gen(function* () {
        const principal = yield* identify(keys, sessions, request, query)
        const perform = yield* commandRunner(engine, principal.user.id)
        return success(yield* work(principal, perform, request, query))
      }).pipe(Effect.catchTag("UnknownApp", () => Effect.succeed(failure(401, "X-HA-Key is missing or unknown."))))

  const withBody = <A>(
    work: (principal: Principal, perform: RunCommand, fields: Fields) => Effect.Effect<A, CommonFailure>
  ) =>
    route((principal, perform, request) =>
      Effect.flatMap(readFields(request), (fields) => work(principal, perform, fields))
    )

  return protocolRoutes({
    errors: { failure, refused },
    routes: {
      "/conversation": { POST: withBody(createConversation) },
      "/message": {
        GET: route((principal, perform, _, query) => listMessages(services, principal, perform, query)),
        POST: withBody((principal, perform, fields) => sendMessage(services, principal, perform, fields)),
        DELETE: withBody((principal, perform, fields) =>
          deleteMessage(store, engine.context.chats, principal, perform, fields)
        )
      }
    }
  })
}
