/** Packets between nodes that are lost, repeated, reordered, of an unknown format or too large. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Bus } from "@parley/core/Bus"
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
    // Read from the store, as a format that is unknown.
    for (const notice of [
      "null",
      "7",
      '"x"',
      "{}",
      "[]",
      "[1,2]",
      '{"_tag":"Else"}',
      '{"_tag":"Entry"}',
      '{"_tag":"Appended","chat":1}',
      '{"_tag":"Entry","version":1,"entry":null}',
      '{"_tag":"Entry","version":1,"entry":{"id":1,"chat":1,"seq":1}}',
      '{"_tag":"User","version":1,"user":7}',
      '{"_tag":"Status","user":1,"version":1}',
      '{"_tag":"Transient","chat":1}',
      '[1,1,1,1,1,1,null,null,"gid","normal","text",null,1]'
    ]) {
      const garbled = decodePacket(`{"format":1,"node":"n","number":1,"notices":[{"_tag":"Journal"},${notice}]}`)
      assert.deepStrictEqual(garbled, { format: 1, node: "n", number: 1, notices: undefined }, notice)
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
    const bus = Bus.of({
      maxBytes,
      publish: (packet) => void packets.push(packet),
      subscribe: () => () => {},
      isConnected: () => true
    })
    const sender = new PacketSender(bus, "n", (_, callback) => timers.push(callback))
    const fire = () => {
      for (const callback of timers.splice(0)) callback()
    }
    const decoded = () => packets.map((packet) => decodePacket(packet))
    return { sender, packets, fire, timers, decoded }
  }

  it("gathers the notices of a turn, then those of a millisecond; numbers packets, and sends empty ones", async () => {
    const { sender, fire, timers, decoded } = makeSender(10_000)
    for (const seq of [1, 2, 3]) sender.add(numbered(seq))
    assert.deepStrictEqual(decoded(), [])
    await Promise.resolve()
    assert.deepStrictEqual(decoded().length, 1)
    sender.beat()
    for (const seq of [4, 5]) {
      sender.add(numbered(seq))
      await Promise.resolve()
    }
    assert.strictEqual(timers.length, 1)
    assert.deepStrictEqual(decoded().length, 2)
    fire()
    sender.add(numbered(6))
    sender.beat()
    fire()
    assert.deepStrictEqual(timers, [])
    sender.add(numbered(7))
    await Promise.resolve()
    assert.deepStrictEqual(
      decoded().map((packet) => [packet?.number, packet?.notices?.map(seqOf)]),
      [
        [1, [1, 2, 3]],
        [2, []],
        [3, [4, 5]],
        [4, [6]],
        [5, [7]]
      ]
    )
  })

  it("never exceeds the bus's size: it sends several packets, or a bare notice", async () => {
    const { sender, fire, packets, decoded } = makeSender(1000)
    const large = (text: string) => ({ ...numbered(1), text }) as never as Notice
    for (let seq = 1; seq <= 30; seq++) sender.add(numbered(seq))
    await Promise.resolve()
    fire()
    assert.isAbove(packets.length, 1)
    const single = packets.length
    sender.add(large("x".repeat(2000)), numbered(99))
    sender.add(large("文".repeat(300)), numbered(100))
    sender.add(large("x".repeat(2000)))
    await Promise.resolve()
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
