/** Messages of one client in one chat never overtake each other, whatever happens to the chat while they are on their way. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import type { Draft, SentMessage } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import * as Parley from "@parley/core/Parley"
import type { Outcome } from "../src/commands/CommandHandler.ts"
import { Store } from "@parley/core/Store"
import { Effect, Fiber, Layer } from "effect"
import { people, plainPasswords } from "./harness.ts"

/** Commits that wait for their turn while `holding`, in the order in which they were asked for. */
let holding = false
let held: Array<() => void> = []

const heldStore = Layer.effect(
  Store,
  Effect.gen(function* () {
    const store = yield* Store
    return Store.of({
      ...store,
      commit: (batch) =>
        Effect.suspend(() =>
          holding
            ? Effect.callback<void>((resume) => {
                held.push(() => resume(Effect.void))
              }).pipe(Effect.andThen(store.commit(batch)))
            : store.commit(batch)
        )
    })
  })
).pipe(Layer.provide(MemoryStore.layer))

const engineLayer = Parley.layer.pipe(Layer.provideMerge(Layer.merge(heldStore, plainPasswords)))

const draft = (gid: string): Draft => ({ gid, chat: { gid: "g" }, type: "normal", contentType: "text", content: gid })

const inGroup = Effect.gen(function* () {
  holding = false
  held = []
  const engine = yield* Engine
  const [ann] = yield* people("ann")
  if (ann === undefined) return yield* Effect.die("nobody")
  yield* engine.perform(ann, {
    _tag: "CreateChat",
    gid: "g",
    name: "g",
    type: "group",
    members: [],
    subject: 0,
    public: false
  })
  const settled: Array<Outcome<SentMessage> | undefined> = []
  const send = (gid: string): boolean => engine.trySend(ann, draft(gid), (outcome) => settled.push(outcome))
  return { engine, ann, settled, send }
})

describe("messages in flight", () => {
  it.effect("are not overtaken by a later one with a newer version of the chat", () =>
    Effect.gen(function* () {
      const { engine, ann, settled, send } = yield* inGroup
      const store = yield* Store
      holding = true
      assert.isTrue(send("first"), "decided on the chat as it was")
      const [first] = held
      holding = false
      // Another node renames the chat, and this one reads it again.
      const before = yield* store.chatByGid("g")
      assert(before)
      const body = { _tag: "Changed", name: "h" } as const
      yield* store.commit({
        expectedVersions: [],
        writes: [{ _tag: "Append", chat: before.chat.id, by: ann.user, device: null, at: 0, body }]
      })
      for (const stored of yield* store.chats([before.chat.id])) engine.context.chats.put(stored)
      assert.isFalse(send("second"), "the first will be refused, and sent again")
      first?.()
      assert.deepStrictEqual(settled, [undefined])
      for (const gid of ["first", "second"]) {
        yield* engine.perform(ann, { _tag: "SendMessages", messages: [draft(gid)] })
      }
      assert.isTrue(send("third"), "nothing is on its way any more")
      const { messages } = yield* engine.perform(ann, { _tag: "ReadHistory", chat: { gid: "g" } })
      assert.deepStrictEqual(
        messages.map(({ gid }) => gid),
        ["third", "second", "first"]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are not started during a change of the chat, which would refuse them", () =>
    Effect.gen(function* () {
      const { engine, ann, send } = yield* inGroup
      holding = true
      const rename = { _tag: "RenameChat", chat: { gid: "g" }, name: "h" } as const
      const renaming = yield* Effect.forkChild(engine.perform(ann, rename))
      yield* Effect.yieldNow
      assert.strictEqual(held.length, 1)
      assert.isFalse(send("first"))
      const sending = yield* Effect.forkChild(engine.perform(ann, { _tag: "SendMessages", messages: [draft("first")] }))
      yield* Effect.yieldNow
      assert.strictEqual(held.length, 1, "the command waits in line")
      holding = false
      for (const go of held) go()
      yield* Fiber.join(renaming)
      const [first] = yield* Fiber.join(sending)
      assert.strictEqual(first?.chat.name, "h")
      assert.isTrue(send("second"))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are settled even if work after the commit throws", () =>
    Effect.gen(function* () {
      const { engine, ann, settled, send } = yield* inGroup
      const hub = yield* Hub
      hub.nodes = {
        id: "this",
        live: () => new Set(),
        committed: () => {
          throw new Error("a mistake of the link between nodes")
        },
        journaled: () => {},
        count: () => 1,
        broadcast: () => {}
      }
      assert.isTrue(send("a"))
      hub.nodes = undefined
      assert.deepStrictEqual(settled, [undefined], "to be handled in the ordinary way, which finds it")
      const [again] = yield* engine.perform(ann, { _tag: "SendMessages", messages: [draft("a")] })
      assert.strictEqual(again?.message.gid, "a")
      const { total } = yield* engine.perform(ann, { _tag: "ReadHistory", chat: { gid: "g" } })
      assert.strictEqual(total, 1)
    }).pipe(Effect.provide(engineLayer))
  )
})
