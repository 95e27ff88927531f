/** The documented paths. Every answer is in this protocol's shape, whatever went wrong. */
import type { Engine } from "@parley/core/Engine"
import type { Switchboard } from "@parley/core/Hub"
import type { Places } from "@parley/core/CursorStore"
import type { Sessions } from "@parley/core/Sessions"
import type { Store } from "@parley/core/Store"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { type Fields, readFields } from "../_http/fields.ts"
import { type Perform, performing } from "../_http/runCommands.ts"
import { type CommonFailure, protocolRoutes, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { createConversation } from "./conversations.ts"
import { failure, refused, success } from "./responses.ts"
import { type Asker, identify } from "./auth.ts"
import type { Keys } from "./apiKeys.ts"
import { type Limits, listMessages } from "./listMessages.ts"
import { deleteMessage, sendMessage } from "./messages.ts"

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

export const routesOf = (services: Services) => {
  const { keys, engine, hub, sessions, store } = services

  const route =
    <A>(
      work: (
        asker: Asker,
        perform: Perform,
        request: HttpServerRequest,
        query: Query
      ) => Effect.Effect<A, CommonFailure>
    ): RouteHandler =>
    (request, query) =>
      Effect.gen(function* () {
        const asker = yield* identify(keys, sessions, request, query)
        const perform = yield* performing(engine, hub, asker.user.id)
        return success(yield* work(asker, perform, request, query))
      }).pipe(Effect.catchTag("UnknownApp", () => Effect.succeed(failure(401, "X-HA-Key is missing or unknown."))))

  const withBody = <A>(work: (asker: Asker, perform: Perform, fields: Fields) => Effect.Effect<A, CommonFailure>) =>
    route((asker, perform, request) => Effect.flatMap(readFields(request), (fields) => work(asker, perform, fields)))

  return protocolRoutes({
    errors: { failure, refused },
    routes: {
      "/conversation": { POST: withBody(createConversation) },
      "/message": {
        GET: route((asker, perform, _, query) => listMessages(services, asker, perform, query)),
        POST: withBody((asker, perform, fields) => sendMessage(services, asker, perform, fields)),
        DELETE: withBody((asker, perform, fields) => deleteMessage(store, engine, asker, perform, fields))
      }
    }
  })
}
