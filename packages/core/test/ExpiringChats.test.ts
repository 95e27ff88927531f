/** Groups with a limited lifetime. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { expiryOf } from "@parley/core/Chat"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { Store } from "@parley/core/Store"
import { Clock, Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { engineLayer, people, plainPasswords } from "./harness.ts"

const chat = { gid: "g" }
const group = { _tag: "CreateChat", ...chat, name: "", type: "group", members: [], subject: 0, public: false } as const

/** Resolves once the group is dissolved, without advancing the clock. */
const dissolved = Effect.gen(function* () {
  const store = yield* Store
  while ((yield* store.chatByGid("g"))?.chat.dissolved !== true) yield* Effect.yieldNow
})

describe("a group with a lifetime", () => {
  it.effect("is dissolved by the server at its time, not before, and its record is removed", () =>
    Effect.gen(function* () {
      const [ann] = yield* people("ann")
      if (ann === undefined) return yield* Effect.die("nobody")
      const { perform } = yield* Engine
      const { chat: created } = yield* perform(ann, { ...group, lifetime: 60 })
      assert.strictEqual(expiryOf(created), (yield* Clock.currentTimeMillis) + 60_000)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* perform(ann, { _tag: "ListChats" })).length, 1)
      yield* TestClock.adjust("1 second")
      yield* dissolved
      assert.strictEqual((yield* perform(ann, { _tag: "ListChats" })).length, 0)
      const { reason } = yield* Effect.flip(perform(ann, { _tag: "ReadChat", chat }))
      assert.strictEqual(reason._tag, "NoSuchChat")
      const store = yield* Store
      const stored = yield* store.chatByGid("g")
      assert.deepInclude(stored?.chat, { dissolved: true, editedBy: null })
      assert.deepStrictEqual(yield* store.records("parley", "expiringChats"), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect(
    "is dissolved earlier than one that was created before, and its owner may dissolve it before its time",
    () =>
      Effect.gen(function* () {
        const [ann] = yield* people("ann")
        if (ann === undefined) return yield* Effect.die("nobody")
        const { perform } = yield* Engine
        const store = yield* Store
        yield* perform(ann, { ...group, gid: "long", lifetime: 3600 })
        yield* perform(ann, { ...group, gid: "ended", lifetime: 20 })
        yield* perform(ann, { ...group, lifetime: 10 })
        yield* perform(ann, { _tag: "DissolveChat", chat: { gid: "ended" } })
        yield* TestClock.adjust("10 seconds")
        yield* dissolved
        yield* TestClock.adjust("10 seconds")
        while ((yield* store.records("parley", "expiringChats")).length > 1) yield* Effect.yieldNow
        assert.isFalse((yield* perform(ann, { _tag: "ReadChat", chat: { gid: "long" } })).chat.dissolved)
      }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is dissolved by the next engine on the store, if its time has come meanwhile", () =>
    Effect.gen(function* () {
      const base = yield* Layer.build(Layer.merge(MemoryStore.layer, plainPasswords))
      const engine = Layer.fresh(Parley.layer).pipe(Layer.provideMerge(Layer.succeedContext(base)))
      yield* Effect.gen(function* () {
        const [ann] = yield* people("ann")
        if (ann === undefined) return yield* Effect.die("nobody")
        yield* (yield* Engine).perform(ann, { ...group, lifetime: 60 })
      }).pipe(Effect.provide(engine), Effect.scoped)
      yield* TestClock.adjust("2 minutes")
      const store = Context.get(base, Store)
      assert.isFalse((yield* store.chatByGid("g"))?.chat.dissolved)
      yield* dissolved.pipe(Effect.provide(engine), Effect.scoped)
    }).pipe(Effect.scoped)
  )

  it.effect("has a lifetime from a second to a day; other chats have none", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* people("ann", "ben")
      if (ann === undefined || ben === undefined) return yield* Effect.die("nobody")
      const { perform } = yield* Engine
      const refusal = (lifetime: number, type = "group") =>
        Effect.map(
          Effect.flip(perform(ann, { ...group, type, members: [ben.user], lifetime })),
          ({ reason }) => reason._tag
        )
      for (const lifetime of [0, 1.5, 86_401]) assert.strictEqual(yield* refusal(lifetime), "Invalid")
      assert.strictEqual(yield* refusal(60, "one2one"), "Invalid")
      assert.strictEqual(yield* refusal(60, "project"), "Invalid")
    }).pipe(Effect.provide(engineLayer))
  )
})
