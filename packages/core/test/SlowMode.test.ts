/** Slow mode: one message of a member per interval, by the log, on every path and on every node. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { slowModeOf } from "@parley/core/Chat"
import type { Draft } from "@parley/core/Command"
import { soleReason } from "@parley/core/describeReason"
import { Engine } from "@parley/core/Engine"
import type { UserCaller as Caller } from "@parley/core/Event"
import * as Parley from "@parley/core/Parley"
import { StorageFailed, Store } from "@parley/core/Store"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { engineLayer, people, plainPasswords } from "./harness.ts"
import { makeCluster, on, turns } from "./twoNodes.ts"

const chat = { gid: "g" }
const draft = (gid: string): Draft => ({ gid, chat, type: "normal", contentType: "text", content: gid })
const send = (by: Caller, ...gids: ReadonlyArray<string>) =>
  Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "SendMessages", messages: gids.map(draft) }))
/** Returns the seconds until the next message, or the reason of another refusal. */
const waitOf = (by: Caller, ...gids: ReadonlyArray<string>) =>
  Effect.map(Effect.flip(send(by, ...gids)), ({ reason }) => {
    const sole = soleReason(reason)
    return sole._tag === "RateLimited" && sole.of === "slow mode" ? sole.retryAfterSeconds : sole
  })
const slow = (by: Caller, seconds: number) =>
  Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "SetSlowMode", chat, seconds }))
const gids = (by: Caller) =>
  Effect.map(
    Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "ReadHistory", chat })),
    ({ messages }) => messages.map(({ gid }) => gid).toReversed()
  )

/** A group of ann, its owner, and ben, in slow mode of ten seconds. */
const group = Effect.gen(function* () {
  const [ann, ben] = yield* people("ann", "ben")
  if (ann === undefined || ben === undefined) return yield* Effect.die("nobody")
  const { perform } = yield* Engine
  const members = [ben.user]
  yield* perform(ann, { _tag: "CreateChat", ...chat, name: "", type: "group", members, subject: 0, public: false })
  yield* slow(ann, 10)
  return { ann, ben, perform }
})

describe("slow mode", () => {
  it.effect("refuses a member's next message, with the time until it, and exempts the owner", () =>
    Effect.gen(function* () {
      const { ann, ben } = yield* group
      yield* send(ben, "b1")
      assert.strictEqual(yield* waitOf(ben, "b2"), 10)
      for (const gid of ["a1", "a2", "a3"]) yield* send(ann, gid)
      yield* TestClock.adjust("8500 millis")
      assert.strictEqual(yield* waitOf(ben, "b2"), 2)
      yield* TestClock.adjust("1500 millis")
      yield* send(ben, "b2")
      assert.strictEqual(yield* waitOf(ben, "b3"), 10)
      assert.deepStrictEqual(yield* gids(ann), ["b1", "a1", "a2", "a3", "b2"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is set by admins, from 0 to 21600 seconds, and counts earlier messages", () =>
    Effect.gen(function* () {
      const { ann, ben } = yield* group
      assert.deepStrictEqual((yield* Effect.flip(slow(ben, 0))).reason, { _tag: "Forbidden", requires: "admins" })
      for (const seconds of [-1, 0.5, 21_601, Number.NaN]) {
        assert.strictEqual((yield* Effect.flip(slow(ann, seconds))).reason._tag, "Invalid")
      }
      const off = yield* slow(ann, 0)
      assert.deepStrictEqual(off.chat.attributes, {})
      for (const gid of ["b1", "b2"]) yield* send(ben, gid)
      yield* TestClock.adjust("4 seconds")
      const { chat: facts } = yield* slow(ann, 10)
      assert.strictEqual(slowModeOf(facts), 10)
      assert.strictEqual((yield* slow(ann, 10)).chat.version, facts.version, "the same interval changes nothing")
      assert.strictEqual(yield* waitOf(ben, "b3"), 6)
      yield* slow(ann, 5)
      assert.strictEqual(yield* waitOf(ben, "b3"), 1)
      yield* slow(ann, 3600)
      assert.strictEqual(yield* waitOf(ben, "b3"), 3596)
      yield* slow(ann, 0)
      yield* send(ben, "b3")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("counts new messages only: one that is sent again returns the stored one, and an edit is none", () =>
    Effect.gen(function* () {
      const { ben, perform } = yield* group
      const [sent] = yield* send(ben, "b1")
      assert.deepStrictEqual(yield* send(ben, "b1"), sent === undefined ? [] : [sent])
      yield* perform(ben, { _tag: "EditMessage", gid: "b1", content: "edited" })
      assert.strictEqual(yield* waitOf(ben, "b2"), 10)
      // The same message twice in a request is one.
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* send(ben, "b2", "b2"), 2)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* waitOf(ben, "b3", "b4"), 10)
      yield* send(ben, "b3")
      assert.deepStrictEqual(yield* gids(ben), ["b1", "b2", "b3"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is not passed by a date of the sender's choice, nor by another member's gid", () =>
    Effect.gen(function* () {
      const { ann, ben, perform } = yield* group
      yield* send(ann, "a1")
      yield* perform(ben, { _tag: "SendMessages", messages: [{ ...draft("b1"), date: 1 }] })
      assert.strictEqual(yield* waitOf(ben, "b2"), 10)
      assert.strictEqual(yield* waitOf(ben, "a1"), 10)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is read from the log behind 1,500 messages of others after a restart", () =>
    Effect.gen(function* () {
      const store = MemoryStore.make()
      const start = Layer.build(
        Layer.fresh(Parley.layer.pipe(Layer.provideMerge(Layer.mergeAll(Layer.succeed(Store, store), plainPasswords))))
      )
      const first = yield* start
      const { ann, ben } = yield* Effect.provideContext(group, first)
      yield* Effect.provideContext(
        Effect.gen(function* () {
          yield* send(ben, "b1")
          yield* TestClock.adjust("2 seconds")
          for (let n = 0; n < 15; n++) yield* send(ann, ...Array.from({ length: 100 }, (_, m) => `a${n}-${m}`))
        }),
        first
      )
      const second = yield* start
      assert.strictEqual(yield* Effect.provideContext(waitOf(ben, "b2"), second), 8)
      yield* TestClock.adjust("8 seconds")
      yield* Effect.provideContext(send(ben, "b2"), second)
      assert.strictEqual(yield* Effect.provideContext(waitOf(ben, "b3"), second), 10)
    }).pipe(Effect.scoped)
  )

  it.effect("counts messages through another node, whose packets are lost", () =>
    Effect.gen(function* () {
      const { here, there, advance } = yield* makeCluster(() => [])
      const { ben } = yield* on(here)(group)
      yield* advance("2 seconds")
      yield* on(here)(send(ben, "b1"))
      assert.strictEqual(yield* on(there)(waitOf(ben, "b2")), 10)
      yield* advance("10 seconds")
      yield* on(there)(send(ben, "b2"))
      assert.strictEqual(yield* on(here)(waitOf(ben, "b3")), 10)
    })
  )
})

/** A store whose next commits of messages wait, and may fail. */
class Held extends Context.Service<Held, { readonly letGo: (fails?: boolean) => void }>()("test/Held") {
  static readonly engine = Layer.unwrap(
    Effect.sync(() => {
      const store = MemoryStore.make()
      let held: Array<(fails: boolean) => void> = []
      const letGo = (fails = false): void => {
        const waiting = held
        held = []
        for (const go of waiting) go(fails)
      }
      const commit: Store["Service"]["commit"] = (batch) =>
        batch.writes.some((write) => write._tag === "Append" && write.body._tag === "Posted")
          ? Effect.andThen(
              Effect.callback<void, StorageFailed>((resume) => {
                const failure = new StorageFailed({ operation: "test", cause: "the disk is full" })
                held.push((fails) => resume(fails ? Effect.fail(failure) : Effect.void))
              }),
              store.commit(batch)
            )
          : store.commit(batch)
      const { appendMessage: _, ...rest } = store
      const layer = Layer.mergeAll(Layer.succeed(Store, { ...rest, commit }), plainPasswords)
      return Layer.merge(Parley.layer.pipe(Layer.provideMerge(layer)), Layer.succeed(Held, Held.of({ letGo })))
    })
  )
}

describe("slow mode while messages are in flight", () => {
  it.effect("lets one of two pass that are sent at the same time, by the fast path and by the command", () =>
    Effect.gen(function* () {
      const { ben } = yield* group
      const { letGo } = yield* Held
      const { trySend } = yield* Engine
      assert.isFalse(trySend(ben, draft("b0"), () => assert.fail("sent")))
      const both = [yield* Effect.forkChild(Effect.exit(send(ben, "b1"))), yield* Effect.forkChild(waitOf(ben, "b2"))]
      yield* turns
      letGo()
      const [, wait] = yield* Fiber.joinAll(both)
      assert.strictEqual(wait, 10)
      assert.deepStrictEqual(yield* gids(ben), ["b1"])
    }).pipe(Effect.provide(Held.engine))
  )

  it.effect("does not count a message whose commit failed", () =>
    Effect.gen(function* () {
      const { ben } = yield* group
      const { letGo } = yield* Held
      const failing = yield* Effect.forkChild(Effect.flip(send(ben, "b1")))
      yield* turns
      letGo(true)
      assert.strictEqual((yield* Fiber.join(failing)).reason._tag, "Unavailable")
      const sending = yield* Effect.forkChild(send(ben, "b2"))
      yield* turns
      letGo()
      yield* Fiber.join(sending)
      assert.deepStrictEqual(yield* gids(ben), ["b2"])
    }).pipe(Effect.provide(Held.engine))
  )

  it.effect("does not apply to the owner's fast path", () =>
    Effect.gen(function* () {
      const { ann } = yield* group
      const { letGo } = yield* Held
      const { trySend } = yield* Engine
      const sent: Array<string | undefined> = []
      for (const gid of ["a1", "a2"]) {
        assert.isTrue(trySend(ann, draft(gid), (outcome) => sent.push(outcome?.reply.message.gid)))
      }
      yield* turns
      letGo()
      yield* turns
      assert.deepStrictEqual(sent, ["a1", "a2"])
    }).pipe(Effect.provide(Held.engine))
  )
})
