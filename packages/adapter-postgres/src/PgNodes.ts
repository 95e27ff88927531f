/**
 * The nodes that share a `PgStore`: their packets, as notifications of PostgreSQL, and their leases and presence, in its tables.
 * Nothing but the database is needed.
 */
import { Bus } from "@parley/core/Bus"
import { Nodes } from "@parley/core/Nodes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { checkDatabase } from "./internal/checkDatabase.ts"
import { nodeSession, openPool, prepareDatabase } from "./internal/connect.ts"
import type { DatabaseError } from "./internal/errors.ts"
import { openBus, registry } from "./internal/openNodes.ts"
import type { Options } from "./PgStore.ts"

/** The registry alone, for commands that list the nodes. */
export const layerRegistry = (options: Options): Layer.Layer<Nodes, DatabaseError> => {
  checkDatabase("PgNodes.layerRegistry", options)
  return Layer.effect(
    Nodes,
    Effect.gen(function* () {
      const servers = yield* prepareDatabase({ url: options.url, schema: options.schema ?? "parley" })
      return registry(yield* openPool(servers, "nodes", 1))
    })
  )
}

/**
 * Bus and registry of the nodes of one database; `options` are those of the store. Throws a `ParleyError` for invalid
 * options, and fails as `PgStore.layer` does.
 */
export const layer = (options: Options): Layer.Layer<Bus | Nodes, DatabaseError> => {
  checkDatabase("PgNodes.layer", options)
  return Layer.effectContext(
    Effect.gen(function* () {
      const schema = options.schema ?? "parley"
      const servers = yield* prepareDatabase({ url: options.url, schema })
      const pool = yield* openPool(servers, "nodes", 1)
      // The channel has the name of the schema, which is unique in the database.
      const bus = yield* openBus(nodeSession(servers), schema, pool)
      return Context.make(Bus, bus).pipe(Context.add(Nodes, registry(pool)))
    })
  )
}
