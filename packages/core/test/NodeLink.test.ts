/** Nodes that miss packets, changes or each other. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Hub } from "@parley/core/Hub"
import { Store } from "@parley/core/Store"
import { PACKET_FORMAT } from "../src/nodes/Packet.ts"
import { Chats, Members, Messages } from "./Commands.ts"
import { online, people } from "./harness.ts"
import { makeCluster, noFacts, on } from "./twoNodes.ts"

/** Faults of a bus. */
const faults: ReadonlyArray<readonly [what: string, change: () => (packet: string) => ReadonlyArray<string>]> = [
  [
    "loses every third packet",
    () =>
      (
        (n) => (packet: string) =>
          n++ % 3 === 0 ? [] : [packet]
      )(0)
  ],
  ["doubles every packet", () => (packet) => [packet, packet]],
  [
    "swaps packets",
    () => {
      const held: Array<string> = []
      return (packet) => {
        held.push(packet)
        return held.length < 2 ? [] : held.splice(0).toReversed()
      }
    }
  ],
  ["has packets of a newer format", () => (packet) => [packet.replace(`"format":${PACKET_FORMAT}`, '"format":2')]],
  ["garbles packets", () => (packet) => [packet.slice(1)]]
]

describe("two nodes on a bus that", () => {
  it.effect.each(faults)("%s: each member hears each message once, in order", ([, change]) =>
    Effect.gen(function* () {
      const { here, there } = yield* makeCluster(change())
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", members: [ben.user] })))
      yield* TestClock.adjust("1 second")
      const [annHere, benThere] = [yield* on(here)(online(ann)), yield* on(there)(online(ben))]
      const gids: Array<string> = []
      for (let n = 0; n < 24; n++) {
        gids.push(`m${n}`)
        const [node, by] = n % 4 === 3 ? ([there, ben] as const) : ([here, ann] as const)
        yield* on(node)(
          Effect.flatMap(Messages, (messages) =>
            messages.send(by, [{ gid: `m${n}`, chat: { gid: "g" }, content: `m${n}` }])
          )
        )
        if (n % 3 === 0) yield* TestClock.adjust("1 millis")
        if (n % 7 === 0) yield* TestClock.adjust("500 millis")
      }
      yield* TestClock.adjust("2 seconds")
      for (const client of [annHere, benThere]) {
        yield* client.until(() => client.of("Posted").length >= gids.length)
        yield* client.ask()
        assert.deepStrictEqual(
          client.of("Posted").map(({ text }) => text),
          gids
        )
      }
    })
  )
})

describe("the users of a node", () => {
  it.effect.each([
    ["stops", false, "1 second"],
    ["dies", true, "7 seconds"]
  ] as const)("are offline after it %s", ([, dies, time]) =>
    Effect.gen(function* () {
      const { here, start } = yield* makeCluster()
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      const scope = yield* Scope.make()
      const third = yield* Scope.provide(start(dies), scope)
      yield* Scope.provide(on(third)(online(ben)), scope)
      yield* TestClock.adjust("2 seconds")
      const status = on(here)(Effect.map(Hub, ({ presence }) => [presence.status(ben.user), presence.size]))
      assert.deepStrictEqual(yield* status, ["online", 1])
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust(time)
      assert.deepStrictEqual(yield* status, ["offline", 0])
    })
  )

  it.effect("are known to a node that starts later, without old events", () =>
    Effect.gen(function* () {
      const { here, start, there } = yield* makeCluster()
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      const benHere = yield* on(here)(online(ben))
      yield* benHere.announce("login")
      yield* TestClock.adjust("2 seconds")
      const third = yield* start(false)
      const annThere = yield* on(third)(online(ann))
      yield* TestClock.adjust("2 seconds")
      const statusOn = (node: typeof here) =>
        on(node)(Effect.map(Hub, ({ presence }) => [presence.status(ann.user), presence.status(ben.user)]))
      for (const node of [here, there, third]) assert.deepStrictEqual(yield* statusOn(node), ["online", "online"])
      yield* annThere.ask()
      assert.deepStrictEqual(annThere.of("login"), [])
      // Changes go on in order.
      for (let n = 0; n < 3; n++) {
        yield* benHere.announce("login")
        yield* TestClock.adjust("10 millis")
      }
      yield* annThere.until(() => annThere.of("login").length === 3)
    })
  )
})

describe("a member whose joining packet is lost", () => {
  it.effect.each(["Created", "Changed"] as const)("gets the messages after it, whose packets arrive (%s)", (lost) =>
    Effect.gen(function* () {
      const { here, there } = yield* makeCluster((packet) => (packet.includes(`"${lost}"`) ? [] : [packet]))
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      yield* TestClock.adjust("2 seconds")
      const benThere = yield* on(there)(online(ben))
      const members = lost === "Created" ? [ben.user] : []
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", members })))
      if (lost === "Changed") {
        yield* on(here)(Effect.flatMap(Members, (all) => all.add(ann, { gid: "g" }, [ben.user])))
      }
      yield* TestClock.adjust("10 millis")
      yield* on(here)(
        Effect.flatMap(Messages, (all) => all.send(ann, [{ gid: "m", chat: { gid: "g" }, content: "m" }]))
      )
      yield* TestClock.adjust("2 seconds")
      yield* benThere.until(() => benThere.of("Posted").length === 1)
    })
  )
})

describe("a node that hears nothing of another one", () => {
  it.effect("reads only new entries of the log, though all of those after its last packet", () =>
    Effect.gen(function* () {
      let losing = false
      const { here, log, there } = yield* makeCluster((packet) => (losing ? [] : [packet]))
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", members: [ben.user] })))
      yield* TestClock.adjust("2 seconds")
      const benThere = yield* on(there)(online(ben))
      const gids: Array<string> = []
      const send = Effect.suspend(() => {
        const gid = `m${gids.length}`
        gids.push(gid)
        return on(here)(
          Effect.flatMap(Messages, (messages) => messages.send(ann, [{ gid, chat: { gid: "g" }, content: gid }]))
        )
      })
      for (let n = 0; n < 8; n++) {
        losing = n > 0
        yield* send
        yield* TestClock.adjust("700 millis")
      }
      log.length = 0
      for (let n = 0; n < 40; n++) {
        yield* send
        yield* TestClock.adjust("250 millis")
      }
      yield* TestClock.adjust("2 seconds")
      yield* benThere.until(() => benThere.of("Posted").length === gids.length)
      assert.deepStrictEqual(
        benThere.of("Posted").map(({ text }) => text),
        gids
      )
      // Both nodes read: most reads begin with the last known entry, and one in five seconds three seconds earlier.
      const read = log.reduce((sum, entries) => sum + entries, 0)
      assert.isAtMost(read, 2 * (40 + 3 * 16))
    })
  )
})

describe("presence", () => {
  it.effect("is right after lost packets, and no event is repeated", () =>
    Effect.gen(function* () {
      let losing = false
      const { here, there } = yield* makeCluster((packet) => (losing && packet.includes("Status") ? [] : [packet]))
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      const annHere = yield* on(here)(online(ann))
      yield* TestClock.adjust("2 seconds")
      const benThere = yield* on(there)(online(ben))
      yield* benThere.announce("login")
      yield* TestClock.adjust("2 seconds")
      yield* annHere.until(() => annHere.of("login").length === 1)
      losing = true
      yield* benThere.leave
      yield* TestClock.adjust("2 seconds")
      const status = on(here)(Effect.map(Hub, ({ presence }) => presence.status(ben.user)))
      assert.strictEqual(yield* status, "offline")
      losing = false
      const again = yield* on(there)(online(ben))
      yield* again.announce("login")
      yield* TestClock.adjust("2 seconds")
      yield* annHere.until(() => annHere.of("login").length === 2)
      yield* annHere.ask()
      assert.deepStrictEqual([yield* status, annHere.of("login").length], ["online", 2])
    })
  )

  it.effect("is saved again after the registry has lost it", () =>
    Effect.gen(function* () {
      const { here, registry, there } = yield* makeCluster(() => [])
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      yield* on(there)(online(ben))
      yield* TestClock.adjust("2 seconds")
      const status = on(here)(Effect.map(Hub, ({ presence }) => presence.status(ben.user)))
      assert.strictEqual(yield* status, "online")
      for (const { node } of yield* registry.renew("other", noFacts)) yield* registry.leave(node)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* status, "online")
    })
  )
})

describe("the list of nodes", () => {
  it.effect("has their connections, and the time since their last renewal", () =>
    Effect.gen(function* () {
      const { here, registry } = yield* makeCluster()
      const [ann] = yield* on(here)(people("ann"))
      assert(ann)
      yield* on(here)(online(ann))
      yield* TestClock.adjust("1500 millis")
      const { nodes } = yield* on(here)(Hub)
      assert.deepStrictEqual(
        (yield* registry.list).map(({ node, connections, renewedAgo }) => [
          node === nodes?.id,
          connections,
          renewedAgo
        ]),
        [
          [true, 1, 500],
          [false, 0, 500]
        ]
      )
    })
  )
})

describe("subscriptions", () => {
  it.effect("are compared with the members of a chat", () =>
    Effect.gen(function* () {
      const { here } = yield* makeCluster()
      const [ann, ben, cat] = yield* on(here)(people("ann", "ben", "cat"))
      assert(ann && ben && cat)
      const { chat } = yield* on(here)(
        Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", members: [ben.user] }))
      )
      const [benHere, catHere] = [yield* on(here)(online(ben)), yield* on(here)(online(cat))]
      const members = new Map(chat.members)
      members.delete(ben.user)
      members.set(cat.user, { user: cat.user, joinedAt: 0, joinSeq: 2 })
      const hub = yield* on(here)(Hub)
      hub.chats.reconcile({ ...chat, members }, 3)
      assert.strictEqual(hub.sessionsOf(cat.user)[0]?.subscriber?.size, 0, "joined by an earlier entry")
      hub.chats.reconcile({ ...chat, members }, 2)
      assert.strictEqual(hub.sessionsOf(cat.user)[0]?.subscriber?.size, 1)
      assert.strictEqual(hub.sessionsOf(ben.user)[0]?.subscriber?.size, 0)
      hub.chats.reconcile({ ...chat, members, dissolved: true }, 2)
      assert.strictEqual(hub.sessionsOf(cat.user)[0]?.subscriber?.size, 0)
      yield* Effect.all([benHere.leave, catHere.leave])
    })
  )
})

describe("a node that missed more changes than the journal has", () => {
  it.effect("drops what it has in memory and closes its connections", () =>
    Effect.gen(function* () {
      const { here, there } = yield* makeCluster(() => [])
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      yield* on(here)(
        Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", name: "old", members: [ben.user] }))
      )
      yield* TestClock.adjust("2 seconds")
      const benThere = yield* on(there)(online(ben))
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.rename(ann, { gid: "g" }, "new")))
      const { commit } = yield* on(here)(Store)
      const change = { _tag: "RecordsChanged", dialect: "d", kind: "k" } as const
      const writes = Array.from({ length: 20_001 }, () => ({ _tag: "NoteChange", change }) as const)
      yield* commit({ expectedVersions: [], writes })
      yield* TestClock.adjust("1 second")
      yield* benThere.until(benThere.ended)
      const { chat } = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.read(ben, { gid: "g" })))
      assert.strictEqual(chat.name, "new")
    })
  )
})
