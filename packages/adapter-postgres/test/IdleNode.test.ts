import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { createEngine } from "@parley/core"
import * as PgNodes from "@parley/adapter-postgres/PgNodes"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { emptyTables } from "./database.ts"
import { startProxy } from "./proxy.ts"

/** Statements a second of a node without work: the lease, the journal, and a packet by which others notice lost ones. */
const IDLE_STATEMENTS = 3

/** Seconds of the measurement. */
const SECONDS = 3

it.live(`an idle node has at most ${IDLE_STATEMENTS} statements a second`, () =>
  Effect.gen(function* () {
    const { schema, url } = yield* emptyTables("18")
    const proxy = yield* startProxy(url)
    const options = { schema, url: proxy.url }
    yield* Effect.acquireRelease(
      Effect.promise(() => createEngine({ store: PgStore.layer(options), nodes: PgNodes.layer(options) })),
      (engine) => Effect.promise(() => engine.close())
    )
    // The first statements read what other nodes have stored.
    yield* Effect.promise(() => proxy.after(2 * IDLE_STATEMENTS))
    const begin = performance.now()
    yield* Effect.promise(() => proxy.after(IDLE_STATEMENTS * SECONDS))
    // A slow machine only adds to the time. The statements of a second may come at once, so the last second is not over.
    assert.isAtLeast(performance.now() - begin, (SECONDS - 1) * 1000 - 100)
  }).pipe(Effect.scoped)
)
