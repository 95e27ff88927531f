/** Embedded engines and external directories on one store. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { MemoryBus } from "@parley/adapter-memory/MemoryBus"
import * as MemoryNodes from "@parley/adapter-memory/MemoryNodes"
import { createEngine } from "@parley/core"
import { Bus } from "@parley/core/Bus"
import { Nodes } from "@parley/core/Nodes"
import * as Parley from "@parley/core/Parley"
import { Store } from "@parley/core/Store"
import { ensureSystemChat } from "@parley/core/SystemChat"
import { UserDirectory } from "@parley/core/UserDirectory"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Users } from "@parley/core/Users"
import { online, plainPasswords } from "./harness.ts"
import { BUSES, makeCluster, type Node, on, turns } from "./twoNodes.ts"

/** An external directory whose users change. */
describe.each(BUSES)("two nodes with an external directory and $bus", ({ delivers, time }) => {
  it.effect("an invalidation on one node counts on both", () =>
    Effect.gen(function* () {
      const names = new Map([
        ["u1", { id: "u1", account: "ann", realname: "ann", disabled: false }],
        ["u2", { id: "u2", account: "ben", realname: "ben", disabled: false }]
      ])
      const directory = {
        find: (ids: ReadonlyArray<string>) => Effect.succeed(ids.flatMap((id) => names.get(id) ?? [])),
        findByAccount: (accounts: ReadonlyArray<string>) =>
          Effect.succeed([...names.values()].filter(({ account }) => accounts.includes(account)))
      }
      const { here, there } = yield* makeCluster(
        (packet) => (delivers ? [packet] : []),
        Layer.succeed(UserDirectory, directory)
      )
      const named = (node: Node, account: string) =>
        on(node)(Effect.flatMap(Users, (users) => users.byAccount(account)))
      const [ann, ben] = [yield* named(there, "ann"), yield* named(there, "ben")]
      assert(ann && ben)
      const [annThere, benThere] = [
        yield* on(there)(online({ user: ann.id, device: null })),
        yield* on(there)(online({ user: ben.id, device: null }))
      ]
      yield* TestClock.adjust("2 seconds")
      names.set("u1", { id: "u1", account: "ann", realname: "Ann", disabled: false })
      names.set("u2", { id: "u2", account: "ben", realname: "ben", disabled: true })
      yield* on(here)(Effect.flatMap(Users, (users) => users.invalidate(["u1", "u2"])))
      yield* Effect.andThen(TestClock.adjust(time), turns)
      yield* benThere.until(benThere.ended)
      yield* annThere.until(() => annThere.of("renamed").length === 1)
      assert.strictEqual((yield* named(there, "ann"))?.realname, "Ann")
    })
  )
})

describe("nodes that start at the same time", () => {
  it.effect("create one system chat", () =>
    Effect.gen(function* () {
      const store = MemoryStore.make()
      // Each of them has looked before the other one created it.
      const early = Store.of({ ...store, systemChats: Effect.succeed([]) })
      for (let node = 0; node < 2; node++) {
        yield* ensureSystemChat.pipe(
          Effect.provide(
            Parley.layer.pipe(Layer.provideMerge(Layer.merge(Layer.succeed(Store, early), plainPasswords))),
            { local: true }
          )
        )
      }
      assert.strictEqual((yield* store.systemChats).length, 1)
    })
  )
})

describe("embedded engines on one store", () => {
  it("use the option bus in place of the bus of their nodes", async () => {
    const bus = new MemoryBus()
    const unused = Bus.of({ ...bus.connect(), publish: () => assert.fail("published"), isConnected: () => false })
    const registry = MemoryNodes.make()
    const stores: Array<string> = []
    const packets: Array<string> = []
    const open = () =>
      createEngine({
        store: MemoryStore.layer,
        nodes: Layer.merge(Layer.succeed(Bus, unused), Layer.succeed(Nodes, registry)),
        // A bus may ask the nodes for the identity of their store.
        bus: Layer.effect(
          Bus,
          Effect.gen(function* () {
            const { storeId } = yield* Nodes
            stores.push(yield* storeId)
            return Bus.of({ ...bus.connect(), publish: (packet) => void packets.push(packet) })
          })
        ),
        log: () => {}
      })
    await using one = await open()
    await using other = await open()
    await one.users.addAll([{ account: "ann" }])
    await other.users.addAll([{ account: "ann" }])
    assert.isAbove(packets.length, 0)
    assert.strictEqual(new Set(stores).size, 1)
  })

  it("refuse a bus without nodes", async () => {
    const refused = createEngine({ store: MemoryStore.layer, bus: Bus.layerSingle })
    await refused.then(
      () => assert.fail("opened"),
      (error: unknown) =>
        assert.include(error, {
          code: "Invalid",
          message: "The option bus needs the option nodes: a bus connects the nodes of one store."
        })
    )
  })

  it("emit events of each other, and read each other's logs", async () => {
    const store = Layer.succeed(Store, MemoryStore.make())
    const bus = new MemoryBus()
    const registry = Layer.succeed(Nodes, MemoryNodes.make())
    const open = () =>
      createEngine({
        store,
        nodes: Layer.merge(
          Layer.sync(Bus, () => bus.connect()),
          registry
        ),
        log: () => {}
      })
    await using here = await open()
    await using there = await open()
    await here.users.addAll(["ann", "ben"].map((account) => ({ account })))
    const events = there.events()
    const first = events.next()
    const team = await here.as("ann").createGroup({ name: "Team", members: ["ben"] })
    const created = (await first).value
    assert.strictEqual(created?.type, "created")
    const log = there.as("ben").log(team)
    await log.next()
    const next = log.next()
    await here.as("ann").send(team, "hello")
    assert.strictEqual((await next).value?.message?.content, "hello")
    const message = (await events.next()).value
    assert.strictEqual(message?.type === "message" ? message.message.content : message?.type, "hello")
  })
})
