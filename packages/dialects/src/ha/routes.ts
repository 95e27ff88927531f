/** Routes of the documented paths. All responses, including errors, have the protocol's shape. */
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
import { authenticateUser, type Principal } from "./auth.ts"
import type { ApiKeys } from "./apiKeys.ts"
import { listMessages, type PageLimits } from "./listMessages.ts"
import { deleteMessage, sendMessage } from "./messages.ts"

export interface RouteDeps {
  readonly keys: ApiKeys
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly sessions: Sessions["Service"]
  readonly cursors: CursorStore["Service"]
  readonly store: Store["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly limits: PageLimits
}

export const routesOf = (deps: RouteDeps) => {
  const { keys, engine, sessions, store } = deps

  const route =
    <A>(
      work: (
        principal: Principal,
        runCommand: RunCommand,
        request: HttpServerRequest,
        query: Query
      ) => Effect.Effect<A, CommonFailure>
    ): RouteHandler =>
    (request, query) =>
      Effect.gen(function* () {
        const principal = yield* authenticateUser(keys, sessions, request, query)
        const runCommand = yield* commandRunner(engine, principal.user.id)
        return success(yield* work(principal, runCommand, request, query))
      }).pipe(Effect.catchTag("UnknownApp", () => Effect.succeed(failure(401, "X-HA-Key is missing or unknown."))))

  const withBody = <A>(
    work: (principal: Principal, runCommand: RunCommand, fields: Fields) => Effect.Effect<A, CommonFailure>
  ) =>
    route((principal, runCommand, request) =>
      Effect.flatMap(readFields(request), (fields) => work(principal, runCommand, fields))
    )

  return protocolRoutes({
    errors: { failure, refused },
    routes: {
      "/conversation": { POST: withBody(createConversation) },
      "/message": {
        GET: route((principal, runCommand, _, query) => listMessages(deps, principal, runCommand, query)),
        POST: withBody((principal, runCommand, fields) => sendMessage(deps, principal, runCommand, fields)),
        DELETE: withBody((principal, runCommand, fields) =>
          deleteMessage(store, engine.context.chats, principal, runCommand, fields)
        )
      }
    }
  })
}
