import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { createEngine } from "@parley/core"
import { Bus } from "@parley/core/Bus"
import { UserId } from "@parley/core/Ids"
import { LEASE_MS, type NodePresence, Nodes } from "@parley/core/Nodes"
import * as PgNodes from "@parley/adapter-postgres/PgNodes"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { execute } from "../../../scripts/postgres/database.ts"
import { emptyTables } from "./database.ts"

const facts = { version: "1.2.3", host: "one", address: "http://0.0.0.0:8080", startedAt: 1, connections: 7 }

const build = (options: PgStore.Options) => Layer.build(Layer.fresh(PgNodes.layer(options)))

describe("nodes on PostgreSQL", () => {
  it.live("receive each other's packets, up to the maximum size", () =>
    Effect.gen(function* () {
      const options = yield* emptyTables("18")
      const [one, other] = [Context.get(yield* build(options), Bus), Context.get(yield* build(options), Bus)]
      const largest = "é".repeat(one.maxBytes / 2)
      for (const packet of ["{}", `{"text":"\\u0000 ' 你好"}`, largest]) {
        const received = yield* Deferred.make<string>()
        const stop = other.subscribe((text) => {
          if (text === packet) Deferred.doneUnsafe(received, Effect.succeed(text))
        })
        // A bus loses packets until it listens.
        const timer = setInterval(() => one.publish(packet), 20)
        assert.strictEqual(yield* Deferred.await(received), packet)
        clearInterval(timer)
        stop()
      }
    }).pipe(Effect.scoped)
  )

  it.live("have leases and presence, and notice that these were lost", () =>
    Effect.gen(function* () {
      const options = yield* emptyTables("18")
      const nodes = Context.get(yield* build(options), Nodes)
      const status = (user: number, version: number, more: Partial<NodePresence> = {}): NodePresence => ({
        user: UserId(user),
        status: "online",
        version,
        event: null,
        eventVersion: 0,
        since: 1_000 + version,
        ...more
      })
      const renew = (node: string) =>
        Effect.map(nodes.renew(node, { ...facts, startedAt: node === "b" ? 2 : 1 }), (all) => {
          for (const { endsAt } of all) assert.isBelow(Math.abs(endsAt - LEASE_MS - Date.now()), LEASE_MS)
          return all
            .map(({ node: name, presence }) => ({ node: name, presence }))
            .sort((x, y) => (x.node < y.node ? -1 : 1))
        })
      const leases = renew("a")
      assert.deepStrictEqual(yield* leases, [{ node: "a", presence: 0 }])
      yield* renew("b")
      yield* nodes.savePresence("b", 2, [status(1, 1), status(2, 2)])
      yield* nodes.savePresence("b", 4, [
        status(1, 1, { event: "login", eventVersion: 3 }),
        status(2, 4, { status: "away" })
      ])
      assert.deepStrictEqual(yield* leases, [
        { node: "a", presence: 0 },
        { node: "b", presence: 4 }
      ])
      assert.deepStrictEqual(yield* nodes.presence("b", 3), [status(2, 4, { status: "away" })])
      assert.strictEqual((yield* nodes.presence("b", 0)).length, 2)
      const listed = yield* nodes.list
      for (const { renewedAgo } of listed) assert.isTrue(renewedAgo >= 0 && renewedAgo < LEASE_MS)
      assert.deepStrictEqual(
        listed.map((one) => ({ ...one, renewedAgo: 0 })),
        [
          { node: "a", ...facts, renewedAgo: 0 },
          { node: "b", ...facts, startedAt: 2, renewedAgo: 0 }
        ]
      )
      yield* nodes.leave("b")
      assert.deepStrictEqual([yield* leases, yield* nodes.presence("b", 0)], [[{ node: "a", presence: 0 }], []])
      yield* nodes.savePresence("a", 5, [status(3, 5)])
      yield* Effect.promise(() => execute(options.url, "TRUNCATE shared.nodes, shared.node_presence"))
      yield* nodes.savePresence("a", 6, [status(4, 6)])
      assert.deepStrictEqual(yield* leases, [{ node: "a", presence: 0 }])
      yield* Effect.promise(() => execute(options.url, "UPDATE shared.nodes SET ends_at = 0"))
      assert.deepStrictEqual(yield* renew("c"), [{ node: "c", presence: 0 }])
      assert.deepStrictEqual(yield* nodes.presence("a", 0), [])
    }).pipe(Effect.scoped)
  )

  it.live("have one identity for each schema of a database, whatever the URL and the role", () =>
    Effect.gen(function* () {
      const { url, schema } = yield* emptyTables("18")
      yield* Effect.promise(() => execute(url, "CREATE ROLE plain LOGIN", "GRANT ALL ON SCHEMA shared TO plain"))
      yield* Effect.promise(() => execute(url, "GRANT ALL ON ALL TABLES IN SCHEMA shared TO plain"))
      const idOf = (options: PgStore.Options) =>
        Effect.flatMap(build(options), (context) => Context.get(context, Nodes).storeId)
      const id = yield* idOf({ url, schema })
      assert.match(id, /^[0-9a-f]{32}$/)
      assert.strictEqual(yield* idOf({ url: url.replace("postgres@", "plain@"), schema }), id)
      assert.notStrictEqual(yield* idOf({ url, schema: "own" }), id)
    }).pipe(Effect.scoped)
  )

  it.live("are engines whose applications are notified of each other's messages", () =>
    Effect.gen(function* () {
      const options = yield* emptyTables("18")
      const open = Effect.acquireRelease(
        Effect.promise(() => createEngine({ store: PgStore.layer(options), nodes: PgNodes.layer(options) })),
        (engine) => Effect.promise(() => engine.close())
      )
      const [one, other] = [yield* open, yield* open]
      yield* Effect.promise(async () => {
        await one.users.addAll([{ account: "ann" }, { account: "ben" }])
        // The other one has its lease soon after it was opened.
        for (; (await one.nodes()).length < 2;);
        const nodes = (await one.nodes()).map(({ isThis, connections, host }) => ({ isThis, connections, host }))
        assert.deepStrictEqual(nodes, [
          { isThis: true, connections: 0, host: "" },
          { isThis: false, connections: 0, host: "" }
        ])
        const heard = new Promise<string>((resolve) => other.on("message", ({ message }) => resolve(message.content)))
        const chat = await one.as("ann").openDirectChat("ben")
        await one.as("ann").send(chat, "Hello, Ben")
        assert.strictEqual(await heard, "Hello, Ben")
        const back = new Promise<string>((resolve) => one.on("message", ({ message }) => resolve(message.content)))
        await other.as("ben").send(chat, "Hello, Ann")
        assert.strictEqual(await back, "Hello, Ann")
      })
    }).pipe(Effect.scoped)
  )
})
