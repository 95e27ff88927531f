/** Invariants of the architecture. Each test names the invariant of the design that it holds. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { CursorStore } from "@parley/core/CursorStore"
import { StorageFailed, Store, type WriteBatch } from "@parley/core/Store"
import { Chats, Members, Messages } from "./Commands.ts"
import { encoded, engineLayer, idsOf, online, people, plainPasswords } from "./harness.ts"

/** A store that counts what is asked of it, and fails on demand. */
const watched = (log: { reads: Array<string>; batches: Array<WriteBatch>; failing: boolean }) =>
  Layer.effect(
    Store,
    Effect.map(Store, (store) => {
      const counted = { ...store }
      for (const name of [
        "users",
        "usersByAccount",
        "chats",
        "chatByGid",
        "messages",
        "messagesByGid",
        "entries"
      ] as const) {
        const read: (argument: never) => unknown = store[name]
        Object.assign(counted, {
          [name]: (argument: never) => {
            log.reads.push(name)
            return read(argument)
          }
        })
      }
      return Store.of({
        ...counted,
        commit: (batch) => {
          if (log.failing) return Effect.fail(new StorageFailed({ operation: "commit", cause: "on demand" }))
          log.batches.push(batch)
          return store.commit(batch)
        }
      })
    })
  ).pipe(Layer.provide(MemoryStore.layer))

const withWatchedStore = <A, E>(
  test: (log: {
    reads: Array<string>
    batches: Array<WriteBatch>
    failing: boolean
  }) => Effect.Effect<A, E, Parley.Services | Store>
): Effect.Effect<A, E> => {
  const log = { reads: [], batches: [], failing: false }
  return test(log).pipe(
    Effect.provide(Parley.layer.pipe(Layer.provideMerge(Layer.merge(watched(log), plainPasswords))))
  )
}

describe("invariant 3: commit, reply, broadcast", () => {
  it.effect("only stored events are pushed", () =>
    withWatchedStore((log) =>
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
        const there = yield* online(ben)
        log.failing = true
        const refused = yield* messages
          .send(ann, [{ gid: "lost", chat: { gid: "g" }, content: "lost" }])
          .pipe(Effect.flip)
        assert.strictEqual(refused.reason._tag, "Unavailable")
        log.failing = false
        yield* messages.send(ann, [{ gid: "kept", chat: { gid: "g" }, content: "kept" }])
        yield* there.until(() => there.of("Posted").length > 0)
        assert.deepStrictEqual(
          there.of("Posted").map(({ text }) => text),
          ["kept"]
        )
      })
    )
  )

  const draft = { gid: "m", chat: { gid: "g" }, type: "normal", contentType: "text", content: "x" } as const
  const command = { _tag: "SendMessages", messages: [draft] } as const

  it.effect("others get a push after the reply, even if the reply could not be encoded", () =>
    Effect.gen(function* () {
      const { commands } = yield* Engine
      const [ann, ben] = yield* people("ann", "ben")
      assert(ann && ben)
      yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
      const there = yield* online(ben)
      const exit = yield* Effect.exit(
        commands.run(
          (run) => Effect.andThen(run(ann, command), there.ask()),
          () => {
            assert.deepStrictEqual(there.of("Posted"), [])
            throw new Error("no reply")
          }
        )
      )
      assert.strictEqual(exit._tag, "Failure")
      yield* there.until(() => there.of("Posted").length === 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("committed events are broadcast even if the request is interrupted before its reply", () =>
    Effect.gen(function* () {
      const { commands } = yield* Engine
      const [ann, ben] = yield* people("ann", "ben")
      assert(ann && ben)
      yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
      const there = yield* online(ben)
      const committed = yield* Deferred.make<void>()
      const request = commands.run(
        (run) =>
          Effect.andThen(run(ann, command), Effect.andThen(Deferred.succeed(committed, undefined), Effect.never)),
        () => assert.fail("a reply")
      )
      const fiber = yield* Effect.forkChild(request)
      yield* Deferred.await(committed)
      yield* Fiber.interrupt(fiber)
      yield* there.until(() => there.of("Posted").length === 1)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("invariant 4: one log per chat", () => {
  it.effect("sequences are contiguous, even with 50 concurrent senders", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const messages = yield* Messages
      const everybody = yield* people(...Array.from({ length: 50 }, (_, index) => `u${index}`))
      const [first] = everybody
      assert(first)
      const { chat } = yield* (yield* Chats).create(first, { gid: "g", members: idsOf(everybody) })
      yield* Effect.forEach(everybody, (who) => messages.send(who, [{ gid: `m${who.user}`, chat, content: "x" }]), {
        concurrency: "unbounded"
      })
      const entries = yield* store.entries([{ chat: chat.id, after: 0, limit: 1000 }])
      assert.deepStrictEqual(
        entries.map(({ seq }) => seq),
        Array.from({ length: 51 }, (_, index) => index + 1)
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("sending writes one row, whatever the number of members", () =>
    withWatchedStore((log) =>
      Effect.gen(function* () {
        const messages = yield* Messages
        const everybody = yield* people(...Array.from({ length: 300 }, (_, index) => `u${index}`))
        const [first] = everybody
        assert(first)
        const { chat } = yield* (yield* Chats).create(first, { gid: "g", members: idsOf(everybody) })
        log.batches.length = 0
        yield* messages.send(first, [{ gid: "m", chat, content: "x" }])
        assert.deepStrictEqual(
          log.batches.map(({ writes }) => writes.map(({ _tag }) => _tag)),
          [["Append"]]
        )
      })
    )
  )
})

describe("invariant 5: cursors only move forward", () => {
  it.effect("acknowledgements in any order, duplicated, unknown or of others never move a cursor back", () =>
    Effect.gen(function* () {
      const messages = yield* Messages
      const [ann, ben, eve] = yield* people("ann", "ben", "eve")
      assert(ann && ben && eve)
      const chats = yield* Chats
      yield* chats.create(ann, { gid: "g", members: [ben.user] })
      yield* chats.create(ann, { gid: "other", members: [eve.user] })
      const send = (gid: string, chat: string) => messages.send(ann, [{ gid, chat: { gid: chat }, content: gid }])
      for (const gid of ["1", "2", "3", "4", "5"]) yield* send(gid, "g")
      const [foreign] = yield* send("foreign", "other")
      assert(foreign)

      const first = yield* online(ben)
      yield* first.until(() => first.of("Posted").length === 5)
      const ids = first.of("Posted").map(({ id }) => id)
      const [one = 0, , three = 0, , five = 0] = ids
      yield* first.acknowledge(three, five, five, foreign.message.id, 2 ** 41, 999_999, -1)
      yield* first.leave
      const second = yield* online(ben)
      yield* second.until(() => second.of("Posted").length === 3)
      assert.deepStrictEqual(
        second.of("Posted").map(({ text }) => text),
        ["1", "2", "4"]
      )
      yield* second.acknowledge(one)
      yield* second.leave
      const third = yield* online(ben)
      yield* third.until(() => third.of("Posted").length === 2)
      assert.deepStrictEqual(
        third.of("Posted").map(({ text }) => text),
        ["2", "4"]
      )
      const there = yield* online(eve)
      yield* there.until(() => there.of("Posted").length === 1)
      assert.strictEqual(there.of("Posted")[0]?.text, "foreign")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("they survive in the store", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const [ann, ben] = yield* people("ann", "ben")
      assert(ann && ben)
      const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
      const there = yield* online(ben)
      yield* (yield* Messages).send(ann, [{ gid: "m", chat, content: "x" }])
      yield* there.until(() => there.of("Posted").length === 1)
      yield* there.acknowledge(...there.of("Posted").map(({ id }) => id))
      yield* (yield* CursorStore).flush
      const [cursor] = yield* store.cursorsOf(ben.user, "")
      assert.deepStrictEqual([cursor?.delivered, cursor?.pushed, cursor?.acked], [2, 2, []])
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("invariant 7: everything is bounded", () => {
  it.effect("only a slow reader is dropped, and nothing is lost", () =>
    Effect.gen(function* () {
      const messages = yield* Messages
      const [ann, ben, cat] = yield* people("ann", "ben", "cat")
      assert(ann && ben && cat)
      const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: idsOf([ben, cat]) })
      const slow = yield* online(ben, { sendBuffer: 20_000 })
      const good = yield* online(cat)
      slow.stopReading()
      const content = "x".repeat(1000)
      for (let index = 1; index <= 100; index++) {
        yield* messages.send(ann, [{ gid: `m${index}`, chat, content }])
        yield* good.until(() => good.of("Posted").length === index)
      }
      yield* slow.until(slow.ended)
      const again = yield* online(ben)
      yield* again.until(() => again.of("Posted").length >= 100)
      assert.deepStrictEqual(
        again.of("Posted").map(({ id }) => id),
        good.of("Posted").map(({ id }) => id)
      )
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("invariant 8: the message path reads nothing from storage for a cached chat", () => {
  it.effect("a push is encoded once, not once per recipient", () =>
    withWatchedStore((log) =>
      Effect.gen(function* () {
        const messages = yield* Messages
        const everybody = yield* people(...Array.from({ length: 20 }, (_, index) => `u${index}`))
        const [ann, ...others] = everybody
        assert(ann)
        const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: idsOf(everybody) })
        const clients = yield* Effect.forEach(others, (who) => online(who))
        log.reads.length = 0
        encoded.count = 0
        yield* messages.send(ann, [{ gid: "m", chat, content: "x" }])
        for (const client of clients) yield* client.until(() => client.of("Posted").length === 1)
        assert.deepStrictEqual(log.reads, [])
        assert.strictEqual(encoded.count, 1)
      })
    )
  )
})

describe("atomic", () => {
  it.effect("a request takes effect whole or not at all", () =>
    Effect.gen(function* () {
      const messages = yield* Messages
      const members = yield* Members
      const [ann, ben] = yield* people("ann", "ben")
      assert(ann && ben)
      const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: [] })
      const refused = yield* messages
        .send(ann, [
          { gid: "good", chat, content: "x" },
          { gid: "bad", chat: { gid: "nowhere" }, content: "x" }
        ])
        .pipe(Effect.flip)
      assert.deepStrictEqual(refused.reason, {
        _tag: "MessagesRefused",
        refusals: [{ index: 1, reason: { _tag: "NoSuchChat" } }]
      })
      assert.strictEqual((yield* messages.history(ann, chat)).total, 0)
      const unknown = yield* members.add(ann, chat, [ben.user, 999 as never]).pipe(Effect.flip)
      assert.deepStrictEqual(unknown.reason, { _tag: "NoSuchUsers", users: ["999"] })
      assert.strictEqual((yield* members.list(ann, chat)).length, 1)
    }).pipe(Effect.provide(engineLayer))
  )
})
