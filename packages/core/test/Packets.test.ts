/** Packets between nodes that are lost, repeated, reordered, of an unknown format or too large. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "@parley/core/Bus"
import { Hub } from "@parley/core/Hub"
import { Store } from "@parley/core/Store"
import { repetitions } from "../../../scripts/repetitions.ts"
import { decodePacket, encodeNotice, encodePacket, type Notice, PACKET_FORMAT } from "../src/nodes/Packet.ts"
import { JournalReader } from "../src/nodes/JournalReader.ts"
import { PacketReceiver } from "../src/nodes/PacketReceiver.ts"
import { PacketSender } from "../src/nodes/PacketSender.ts"
import { SeenEntries } from "../src/nodes/SeenEntries.ts"
import { TaskQueue } from "../src/nodes/TaskQueue.ts"
import { Watermark } from "../src/nodes/Watermark.ts"
import type { Entry } from "@parley/core/Log"
import { dice } from "../src/testing/StoreLaws/Law.ts"
import { Chats, Members, Messages } from "./Commands.ts"
import { online, people } from "./harness.ts"
import { makeCluster, on } from "./twoNodes.ts"

/** A notice that is recognised by its number. */
const numbered = (seq: number): Notice => ({ _tag: "Appended", chat: 1 as never, id: seq as never, seq })
const seqOf = (notice: Notice): number => (notice._tag === "Appended" ? notice.seq : 0)

describe("a packet", () => {
  it("is read as it was written; other texts are not packets", () => {
    const entry = { id: 7, chat: 3, seq: 2, posted: 1, at: 5, by: null, device: "d" } as never as Entry
    const posted = {
      _tag: "Posted",
      gid: "g",
      type: "normal",
      contentType: "text",
      content: '"文\ud83d"',
      date: 4
    } as const
    const changed = { _tag: "Changed", name: "n", added: [1 as never] } as const
    const notices: ReadonlyArray<Notice> = [
      numbered(1),
      { _tag: "Entry", entry: { ...entry, body: posted }, version: 6 },
      { _tag: "Entry", entry: { ...entry, by: 4 as never, device: null, body: posted }, version: 6 },
      { _tag: "Entry", entry: { ...entry, body: changed }, version: 6 },
      { _tag: "Entry", entry: { ...entry, body: { _tag: "Created" } }, version: 1, members: [2 as never] },
      { _tag: "Journal" }
    ]
    const text = encodePacket("n", 7, notices.map(encodeNotice))
    assert.deepStrictEqual(decodePacket(text), { format: PACKET_FORMAT, node: "n", number: 7, notices })
    const later = text.replace(`"format":${PACKET_FORMAT}`, '"format":99')
    assert.deepStrictEqual(decodePacket(later), { format: 99, node: "n", number: 7, notices: undefined })
    for (const garbage of ["", "{", "null", "[]", "7", '"x"', "{}", '{"format":1,"node":"","number":1,"notices":[]}']) {
      assert.isUndefined(decodePacket(garbage), garbage)
    }
    for (const number of ["0", "-1", "1.5", "1e300", '"1"']) {
      assert.isUndefined(decodePacket(`{"format":1,"node":"n","number":${number},"notices":[]}`), number)
    }
  })
})

describe("a receiver", () => {
  it("passes each packet on at most once, and reports a gap unless it has passed on all earlier ones", () => {
    for (let seed = 0; seed < repetitions(4000, 400); seed++) {
      const roll = dice(seed)
      const receiver = new PacketReceiver("self")
      const passed = new Map<string, Set<number>>()
      /** Packets of each node that arrived, or that a gap has reported since. */
      const reported = new Map<string, number>()
      const highest = new Map<string, number>()
      let generation = 0
      let number = 0
      const waiting: Array<{ readonly node: string; readonly number: number; readonly format: number }> = []
      for (let step = 0; step < 60; step++) {
        if (roll(20) === 0) {
          generation++
          number = 0
        }
        const packet = { node: `n${generation}`, number: ++number, format: roll(10) === 0 ? 99 : PACKET_FORMAT }
        const fate = roll(10)
        if (fate === 0) continue
        waiting.push(packet)
        if (fate === 1) waiting.push(packet)
        while (waiting.length > roll(4)) {
          const [next] = waiting.splice(roll(waiting.length), 1)
          if (next === undefined) break
          const isKnown = next.format === PACKET_FORMAT
          const { gap, notices } = receiver.receive(
            { ...next, notices: isKnown ? [numbered(next.number)] : undefined },
            step
          )
          const seen = passed.get(next.node) ?? new Set()
          passed.set(next.node, seen)
          for (const notice of notices) {
            assert.isFalse(seen.has(seqOf(notice)), `seed ${seed}: packet ${seqOf(notice)} twice`)
            seen.add(seqOf(notice))
          }
          const top = Math.max(highest.get(next.node) ?? 0, next.number)
          highest.set(next.node, top)
          if (gap) reported.set(next.node, top)
          // Each packet that was not passed on was reported at its loss or later.
          for (let n = 1; n <= top; n++) {
            if (!seen.has(n)) assert.isAtLeast(reported.get(next.node) ?? 0, n, `seed ${seed}: packet ${n} is missing`)
          }
        }
      }
    }
  })

  it("ignores its own packets, and reports a text that is not one", () => {
    const receiver = new PacketReceiver("self")
    const own = { format: 1, node: "self", number: 5, notices: [numbered(1)] }
    assert.deepStrictEqual(receiver.receive(own, 0), { notices: [], gap: false })
    assert.deepStrictEqual(receiver.receive(undefined, 0), { notices: [], gap: true })
  })

  it("knows which nodes are silent", () => {
    const receiver = new PacketReceiver("self")
    assert.isFalse(receiver.isSilent(["self"], 0, 10))
    assert.isTrue(receiver.isSilent(["self", "n"], 0, 10))
    receiver.receive({ format: 1, node: "n", number: 1, notices: [] }, 5)
    assert.isFalse(receiver.isSilent(["n"], 14, 10))
    assert.isTrue(receiver.isSilent(["n"], 15, 10))
    receiver.retain(new Set(["n"]), 100, 10)
    receiver.receive({ format: 1, node: "n", number: 2, notices: [] }, 100)
    assert.isFalse(receiver.receive({ format: 1, node: "n", number: 3, notices: [] }, 100).gap)
    receiver.retain(new Set(), 109, 10)
    assert.isFalse(receiver.receive({ format: 1, node: "n", number: 4, notices: [] }, 109).gap)
    receiver.retain(new Set(), 119, 10)
    assert.isTrue(receiver.receive({ format: 1, node: "n", number: 5, notices: [] }, 119).gap, "forgotten")
  })

  it("bounds the missing packets that it still expects", () => {
    const receiver = new PacketReceiver("self")
    const receive = (number: number) =>
      receiver.receive({ format: 1, node: "n", number, notices: [numbered(number)] }, 0)
    receive(1)
    assert.isTrue(receive(1_000_000_000).gap)
    assert.deepStrictEqual(receive(2).notices, [], "too old: it was reported")
    assert.deepStrictEqual(receive(999_999_999).notices.map(seqOf), [999_999_999])
  })
})

describe("a sender", () => {
  const makeSender = (maxBytes: number) => {
    const packets: Array<string> = []
    const timers: Array<() => void> = []
    const bus = Bus.of({ maxBytes, publish: (packet) => void packets.push(packet), subscribe: () => () => {} })
    const sender = new PacketSender(bus, "n", (_, callback) => timers.push(callback))
    const fire = () => {
      for (const callback of timers.splice(0)) callback()
    }
    const decoded = () => packets.map((packet) => decodePacket(packet))
    return { sender, packets, fire, timers, decoded }
  }

  it("gathers notices into one packet, numbers packets, and sends empty ones", () => {
    const { sender, fire, timers, decoded } = makeSender(10_000)
    for (const seq of [1, 2, 3]) sender.add(numbered(seq))
    assert.strictEqual(timers.length, 1)
    assert.deepStrictEqual(decoded(), [])
    fire()
    sender.beat()
    sender.add(numbered(4))
    sender.beat()
    fire()
    assert.deepStrictEqual(
      decoded().map((packet) => [packet?.number, packet?.notices?.map(seqOf)]),
      [
        [1, [1, 2, 3]],
        [2, []],
        [3, [4]]
      ]
    )
  })

  it("never exceeds the bus's size: it sends several packets, or a bare notice", () => {
    const { sender, fire, packets, decoded } = makeSender(1000)
    const large = (text: string) => ({ ...numbered(1), text }) as never as Notice
    for (let seq = 1; seq <= 30; seq++) sender.add(numbered(seq))
    fire()
    assert.isAbove(packets.length, 1)
    const single = packets.length
    sender.add(large("x".repeat(2000)), numbered(99))
    sender.add(large("文".repeat(300)), numbered(100))
    sender.add(large("x".repeat(2000)))
    fire()
    for (const packet of packets) assert.isAtMost(new TextEncoder().encode(packet).length, 1000)
    assert.deepStrictEqual(
      decoded()
        .slice(single)
        .flatMap((packet) => packet?.notices?.map(seqOf)),
      [99, 100]
    )
    assert.deepStrictEqual(
      decoded()
        .slice(0, single)
        .flatMap((packet) => packet?.notices?.map(seqOf)),
      Array.from({ length: 30 }, (_, index) => index + 1)
    )
  })
})

describe("marks of a node", () => {
  it("follow the newest id with a delay", () => {
    const mark = new Watermark(10, 5)
    mark.advance(100, 7)
    mark.advance(105, 7)
    mark.advance(106, 9)
    assert.deepStrictEqual(
      [100, 109, 110, 115, 116, 500].map((now) => mark.after(now)),
      [5, 5, 7, 7, 9, 9]
    )
    const none = new Watermark(0, 5)
    none.advance(1, 6)
    assert.strictEqual(none.after(1), 6)
  })

  it("know the newest entries", () => {
    const seen = new SeenEntries(70_000)
    assert.strictEqual(seen.newest, 70_000)
    seen.add(70_001)
    seen.add(5)
    assert.deepStrictEqual(
      [70_000, 70_001, 5, 4465, 65_541].map((id) => seen.has(id)),
      [false, true, true, false, false]
    )
    assert.strictEqual(seen.newest, 70_001)
    seen.add(65_541)
    assert.isFalse(seen.has(5))
  })
})

describe("a journal whose ids become visible out of order", () => {
  it.effect(
    "is applied once and completely from the start of a reader on, as long as no commit lasts longer than its overlap",
    () =>
      Effect.gen(function* () {
        for (let seed = 0; seed < repetitions(400, 60); seed++) {
          const roll = dice(seed)
          const overlap = 40
          let now = 0
          /** Changes with the time at which they become visible. */
          const changes: Array<{ readonly id: number; readonly visibleAt: number }> = []
          const visible = () => changes.filter(({ visibleAt }) => visibleAt <= now)
          const applied: Array<number> = []
          const store = {
            journal: {
              overlap,
              newest: Effect.sync(() => ({ change: visible().at(-1)?.id ?? 0, entry: 0 })),
              changes: (after: number, limit: number) =>
                Effect.sync(() => ({
                  entries: visible()
                    .filter(({ id }) => id > after)
                    .slice(0, limit)
                    .map(({ id }) => ({
                      id,
                      change: { _tag: "RecordsChanged", dialect: "d", kind: String(id) } as const
                    })),
                  complete: true
                })),
              appended: () => Effect.succeed([])
            }
          }
          for (let count = roll(30); count > 0; count--) {
            changes.push({ id: changes.length + 1, visibleAt: now + roll(overlap) })
          }
          const before = new Set(visible().map(({ id }) => id))
          const reader = yield* JournalReader.make({
            store: store as never,
            engine: { recordsChanged: ({ kind }: { readonly kind: string }) => applied.push(Number(kind)) } as never,
            sessions: undefined as never,
            users: undefined as never,
            entries: undefined as never,
            now: () => now,
            dropCaches: () => assert.fail("nothing was missed"),
            reset: () => assert.fail("nothing was missed")
          })
          for (let step = 0; step < 80; step++) {
            now += roll(15)
            for (let count = roll(4); count > 0; count--) {
              changes.push({ id: changes.length + 1, visibleAt: now + roll(overlap) })
            }
            if (roll(2) === 0) yield* reader.read
          }
          now += overlap
          yield* reader.read
          assert.deepStrictEqual(
            [...applied].sort((a, b) => a - b),
            changes.map(({ id }) => id).filter((id) => !before.has(id)),
            `seed ${seed}`
          )
        }
      })
  )
})

describe("a queue of tasks", () => {
  it.effect("runs them in order, also after a failure, up to its bound", () =>
    Effect.gen(function* () {
      const done: Array<number | string> = []
      const queue = new TaskQueue(
        3,
        (work) => void Effect.runFork(work),
        (cause) => Effect.sync(() => void done.push(typeof cause))
      )
      const task = (n: number) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => void done.push(n))
        )
      assert.isTrue(queue.isIdle)
      assert.isTrue(queue.add(task(1)))
      assert.isFalse(queue.isIdle)
      assert.isTrue(queue.add(Effect.die("a mistake")))
      assert.isTrue(queue.add(task(2)))
      assert.isTrue(queue.add(task(3)))
      assert.isFalse(queue.add(task(4)))
      yield* Effect.promise(async () => {
        while (!queue.isIdle) await new Promise((resolve) => setImmediate(resolve))
      })
      assert.deepStrictEqual(done, [1, "object", 2, 3])
    })
  )
})

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
      for (const { node } of yield* registry.renew("other")) yield* registry.leave(node)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* status, "online")
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
      hub.reconcile({ ...chat, members }, 3)
      assert.strictEqual(hub.sessionsOf(cat.user)[0]?.subscriber?.size, 0, "joined by an earlier entry")
      hub.reconcile({ ...chat, members }, 2)
      assert.strictEqual(hub.sessionsOf(cat.user)[0]?.subscriber?.size, 1)
      assert.strictEqual(hub.sessionsOf(ben.user)[0]?.subscriber?.size, 0)
      hub.reconcile({ ...chat, members, dissolved: true }, 2)
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
