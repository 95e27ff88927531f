/** Events of an embedder with their recipients, and a chat's log without gaps. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import {
  createEngine,
  type EngineOptions,
  type LogEntry,
  type LogLine,
  type ParleyEngine,
  ParleyError,
  type ParleyEvent
} from "@parley/core"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Store } from "@parley/core/Store"
import { Context, Effect, Layer } from "effect"
import { assert, describe, it } from "vitest"
import { RemoteBroadcasts } from "../src/delivery/Broadcaster.ts"
import { MAX_BUFFERED_EVENTS } from "../src/api/EventStream.ts"

const opened = async (options: Partial<EngineOptions> = {}): Promise<ParleyEngine> => {
  const engine = await createEngine({ store: MemoryStore.layer, ...options })
  await engine.users.addAll(["ann", "ben", "cat"].map((account) => ({ account })))
  return engine
}

const nextOf = async <A>(iteration: AsyncIterableIterator<A>): Promise<A> => {
  const { value, done } = await iteration.next()
  assert.isFalse(done)
  return value as A
}

describe("events", () => {
  it("contain the change and its recipients", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const received: Array<ParleyEvent> = []
    const all = engine.events()
    const first = all.next()
    for (const type of ["message", "replaced", "recalled", "created", "changed", "user"] as const) {
      engine.on(type, (event) => received.push(event))
    }
    const team = await ann.createGroup({ name: "Team", members: ["ben", "cat"] })
    const message = await ann.send(team, "hello")
    await ann.send(team, "pixels", { gid: "p", contentType: "image" })
    await ann.send(team, "other pixels", { gid: "p", contentType: "image" })
    await ben.rename(team, "Crew")
    await ann.kick(team, ["cat"])
    await ann.recall(message)
    await ben.changeName("Benjamin")
    const described = received.map((event) => [
      event.type,
      event.recipients === "everyone" ? event.recipients : event.recipients.map(Number)
    ])
    assert.deepStrictEqual(described, [
      ["created", [2, 3]],
      ["message", [2, 3]],
      ["message", [2, 3]],
      ["replaced", [2, 3]],
      ["changed", [1, 3]],
      // A removed member gets the event of the removal, and no later one.
      ["changed", [2, 3]],
      ["recalled", [2]],
      ["user", "everyone"]
    ])
    const [, sent, , , renamed, kicked, recalled, user] = received
    assert(sent?.type === "message" && renamed?.type === "changed" && kicked?.type === "changed")
    assert(recalled?.type === "recalled" && user?.type === "user")
    assert.deepInclude(sent.message, { gid: message.gid, content: "hello" })
    assert.deepInclude(sent, { seq: 2, by: message.sender })
    assert.deepStrictEqual([renamed.change, renamed.chat.name], [{ name: "Crew" }, "Crew"])
    assert.deepStrictEqual(kicked.change.removed?.map(Number), [3])
    assert.strictEqual(recalled.message.content, "")
    assert.deepInclude(user, { what: "renamed" })

    const iterated = [(await first).value as ParleyEvent]
    while (iterated.length < received.length) iterated.push(await nextOf(all))
    assert.deepStrictEqual(iterated, received)
  })

  it("end with the listener, the signal, the engine", async () => {
    const engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    let count = 0
    const stop = engine.on("message", () => count++)
    await ann.send(team, "1")
    stop()
    stop()
    await ann.send(team, "2")
    assert.strictEqual(count, 1)
    const control = new AbortController()
    const [aborted, closed] = [engine.events({ signal: control.signal }), engine.events()]
    const waiting = [aborted.next(), closed.next()]
    control.abort()
    assert.isTrue((await waiting[0])?.done)
    await engine.close()
    assert.isTrue((await waiting[1])?.done)
    assert.isTrue((await engine.events().next()).done)
  })

  it("are buffered for a slow consumer up to a bound", async () => {
    await using engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    const events = engine.events()
    const first = events.next()
    for (let sent = 0; sent <= MAX_BUFFERED_EVENTS + 200; sent += 100) {
      await ann.sendAll(Array.from({ length: 100 }, (_, index) => ({ chat: team, content: String(sent + index) })))
    }
    assert.strictEqual(((await first).value as ParleyEvent).type, "message")
    let count = 1
    const error: unknown = await (async () => {
      for await (const _ of events) count++
    })().catch((cause: unknown) => cause)
    assert.instanceOf(error, ParleyError)
    assert.strictEqual(error.code, "Overflowed")
    assert.isAtLeast(count, MAX_BUFFERED_EVENTS)
  })

  it("survive a listener that fails", async () => {
    const logged: Array<string> = []
    const log = ({ level, message, error }: LogLine) => logged.push(`${level}: ${message} ${String(error)}`)
    await using engine = await opened({ log })
    const ann = engine.as("ann")
    const received: Array<string> = []
    engine.on("message", () => {
      throw new Error("at once")
    })
    engine.on("message", () => Promise.reject(new Error("later")))
    engine.on("message", ({ message }) => received.push(message.content))
    await ann.send(await ann.createGroup({ name: "Team" }), "hello")
    assert.deepStrictEqual(received, ["hello"])
    assert.deepStrictEqual(logged, [
      "error: A listener failed. Error: at once",
      "error: A listener failed. Error: later"
    ])
  })
})

/** Enough turns for what is under way in memory to have come to rest. */
const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
}

describe("a chat's log", () => {
  it("is read only after it has grown", async () => {
    let reads = 0
    const counted = Layer.effect(
      Store,
      Effect.map(Layer.build(MemoryStore.layer), (context) => {
        const store = Context.get(context, Store)
        const entries: typeof store.entries = (ranges) =>
          Effect.tap(store.entries(ranges), () => Effect.sync(() => reads++))
        return Store.of({ ...store, entries })
      })
    )
    await using engine = await opened({ store: counted })
    const ann = engine.as("ann")
    const [team, other] = [await ann.createGroup({ name: "Team" }), await ann.createGroup({ name: "Other" })]
    const reading = ann.log(team)
    await nextOf(reading)
    const next = reading.next()
    await turns()
    const before = reads
    for (let n = 0; n < 10; n++) await ann.send(other, String(n))
    await turns()
    assert.strictEqual(reads, before)
    await ann.send(team, "more")
    assert.strictEqual((await next).value?.message?.content, "more")
    assert.strictEqual(reads, before + 1)
  })

  it("is read from a sequence on, then live: all entries, once each, in order", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const say = async (from: number, to: number) => {
      for (let n = from; n < to; n++) await (n % 2 === 0 ? ann : ben).send(team, String(n))
    }
    await say(0, 450)
    const read: Array<LogEntry> = []
    const reading = (async () => {
      for await (const entry of ben.log(team, { after: 1 })) {
        read.push(entry)
        // A reader who takes its time, while others go on.
        if (read.length % 97 === 0) await new Promise((resolve) => setImmediate(resolve))
        if (read.length === 1000) return
      }
    })()
    await Promise.all([say(450, 750), say(750, 1000)])
    await reading
    assert.deepStrictEqual(
      read.map(({ seq }) => seq),
      Array.from({ length: 1000 }, (_, index) => index + 2)
    )
    assert.sameMembers(
      read.map(({ message }) => message?.content),
      Array.from({ length: 1000 }, (_, index) => String(index))
    )
  })

  it("ends at the stored entries if not live", async () => {
    const engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    for (let n = 0; n < 5; n++) await ann.send(team, String(n))
    const stored: Array<number> = []
    for await (const { seq } of ann.log(team, { after: 2, live: false })) stored.push(seq)
    assert.deepStrictEqual(stored, [3, 4, 5, 6])
    const control = new AbortController()
    const [aborted, closed] = [ann.log(team, { after: 6, signal: control.signal }), ann.log(team, { after: 6 })]
    const waiting = [aborted.next(), closed.next()]
    control.abort()
    assert.isTrue((await waiting[0])?.done)
    await engine.close()
    assert.isTrue((await waiting[1])?.done)
  })

  it("does not contain recalled content", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const [regretted, unwanted] = [await ann.send(team, "secret"), await ann.send(team, "noise")]
    await ann.send(team, "old", { gid: "p", contentType: "image" })
    await ann.send(team, "new", { gid: "p", contentType: "image" })
    await ann.recall(regretted)
    await ben.deleteForMe(unwanted)
    const [bens, anns]: [Array<LogEntry>, Array<LogEntry>] = [[], []]
    for await (const entry of ben.log(team, { live: false })) bens.push(entry)
    for await (const entry of ann.log(team, { live: false })) anns.push(entry)
    assert.notInclude(JSON.stringify([bens, anns]), "secret")
    assert.notInclude(JSON.stringify(bens), "noise")
    assert.include(JSON.stringify(anns), "noise")
    assert.deepStrictEqual(
      bens.map(({ seq, body, message }) => [seq, body._tag, message?.content, message?.recalled]),
      [
        [1, "Created", undefined, undefined],
        [2, "Posted", "", true],
        [3, "Posted", undefined, undefined],
        [4, "Posted", "new", false],
        [5, "Replaced", "new", false],
        [6, "Recalled", "", true]
      ]
    )
  })

  it("is refused without permission, and after its loss", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: unknown) => (error instanceof ParleyError ? error.code : error)
      )
    assert.strictEqual(await codeOf(engine.as("cat").log(team).next()), "NoSuchChat")
    assert.strictEqual(await codeOf(engine.as("eve").log(team).next()), "NoSuchUsers")
    const reading = ben.log(team, { after: 1 })
    const next = reading.next()
    await ann.kick(team, ["ben"])
    await ann.send(team, "without ben")
    assert.strictEqual(await codeOf(next), "NoSuchChat")
  })

  it("continues after a notice of another node", async () => {
    await using engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    const reading = ann.log(team)
    await nextOf(reading)
    const next = reading.next()
    await turns()
    // Written past this node's engine, as another one does.
    await engine.run(
      Effect.gen(function* () {
        const { context } = yield* Engine
        yield* context.store.commit({
          expectedVersions: [],
          writes: [
            {
              _tag: "Append",
              chat: team.id,
              by: null,
              device: null,
              at: 1,
              body: { _tag: "Posted", gid: "far", type: "normal", contentType: "text", content: "from afar", date: 1 }
            }
          ]
        })
        const [entry] = yield* context.store.entries([{ chat: team.id, after: 1, limit: 1 }])
        const cached = yield* context.chats.find({ id: team.id })
        const remote = yield* RemoteBroadcasts as never as Effect.Effect<RemoteBroadcasts["Service"]>
        if (entry === undefined || cached === undefined) return yield* Effect.die("the chat has no second entry")
        const event = { _tag: "ChatEvent", entry, chat: cached.chat, head: cached.head } as const
        remote.observeBroadcasts([{ event, to: { chat: team.id } }])
      })
    )
    assert.strictEqual(((await next).value as LogEntry).message?.content, "from afar")
  })
})

describe("an iteration that is cancelled while it waits", () => {
  it("ends at once and releases its resources, even over a quiet chat", async () => {
    await using engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    const hub = await engine.run(Effect.map(Hub, (one) => one))
    let observers = 0
    const observe = hub.observe.bind(hub)
    hub.observe = (observer) => {
      const release = observe(observer)
      observers++
      return () => {
        observers--
        release()
      }
    }
    const log = ann.log(team)
    await nextOf(log)
    const events = engine.events()
    const pending = [log.next(), events.next()]
    await turns()
    assert.strictEqual(observers, 2)
    await Promise.all([log.return?.(), events.return?.()])
    assert.deepStrictEqual(await Promise.all(pending), [
      { done: true, value: undefined },
      { done: true, value: undefined }
    ])
    assert.strictEqual(observers, 0)
  })
})
