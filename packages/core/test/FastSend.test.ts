/**
 * Messages in flight together: started without waiting for one another, stored in the order of their start, and decided
 * again if their facts have changed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import type { Draft, SentMessage } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import { Hooks } from "@parley/core/Hooks"
import * as Parley from "@parley/core/Parley"
import type { Outcome } from "../src/commands/CommandHandler.ts"
import { Store } from "@parley/core/Store"
import { Effect, Fiber, Layer } from "effect"
import { engineLayer, people, plainPasswords } from "./harness.ts"

/** A store whose commits reach the real one only when they are let go, and that counts them as they are asked for. */
const heldStore = Layer.effect(
  Store,
  Effect.gen(function* () {
    const store = yield* Store
    return Store.of({
      ...store,
      commit: (batch) =>
        batch.writes.some(({ _tag }) => _tag === "Append")
          ? Effect.callback<void>((resume) => {
              held.push(() => resume(Effect.void))
            }).pipe(Effect.andThen(store.commit(batch)))
          : store.commit(batch)
    })
  })
).pipe(Layer.provide(MemoryStore.layer))

let held: Array<() => void> = []
const letGo = (): void => {
  const waiting = held
  held = []
  for (const go of waiting) go()
}

const heldEngine = Parley.layer.pipe(Layer.provideMerge(Layer.merge(heldStore, plainPasswords)))

const draft = (gid: string, content = gid): Draft => ({
  gid,
  chat: { gid: "g" },
  type: "normal",
  contentType: "text",
  content
})

const begun = Effect.fnUntraced(function* (caller: UserCaller) {
  const engine = yield* Engine
  const settled: Array<Outcome<SentMessage> | undefined> = []
  const send = (message: Draft): boolean => engine.trySend(caller, message, (outcome) => settled.push(outcome))
  const contents = (): ReadonlyArray<string | undefined> => settled.map((outcome) => outcome?.reply.message.content)
  return { engine, send, settled, contents }
})

const group = Effect.fnUntraced(function* (...accounts: ReadonlyArray<string>) {
  const engine = yield* Engine
  const callers = yield* people(...accounts)
  const [owner] = callers
  if (owner === undefined) return yield* Effect.die("nobody")
  yield* engine.perform(owner, {
    _tag: "CreateChat",
    gid: "g",
    name: "g",
    type: "group",
    members: callers.map(({ user }) => user),
    subject: 0,
    public: false
  })
  return callers as [UserCaller, ...ReadonlyArray<UserCaller>]
})

describe("messages on the fast path", () => {
  it.effect("are in flight together, and stored in the order of their start", () =>
    Effect.gen(function* () {
      const [ann] = yield* group("ann", "ben")
      const { engine, send, contents } = yield* begun(ann)
      held = []
      for (const gid of ["a", "b", "c"]) assert.isTrue(send(draft(gid)))
      assert.strictEqual(held.length, 3, "none waits for the one before it")
      assert.deepStrictEqual(contents(), [], "nothing is answered before it is durable")
      letGo()
      assert.deepStrictEqual(contents(), ["a", "b", "c"])
      const { messages } = yield* engine.perform(ann, { _tag: "ReadHistory", chat: { gid: "g" } })
      assert.deepStrictEqual(
        messages.map(({ content, number }) => [content, number]).sort(([, a], [, b]) => Number(a) - Number(b)),
        [
          ["a", 1],
          ["b", 2],
          ["c", 3]
        ]
      )
    }).pipe(Effect.provide(heldEngine))
  )

  it.effect("are decided again if the chat has changed: a removed member sends nothing", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* group("ann", "ben")
      if (ben === undefined) return assert.fail("no ben")
      const { engine, send, settled } = yield* begun(ben)
      held = []
      assert.isTrue(send(draft("a")))
      const [waiting] = held
      held = []
      const kick = { _tag: "RemoveMembers", chat: { gid: "g" }, members: [ben.user] } as const
      const kicking = yield* Effect.forkChild(engine.perform(ann, kick))
      yield* Effect.yieldNow
      letGo()
      yield* Effect.yieldNow
      waiting?.()
      assert.deepStrictEqual(settled, [undefined], "to be handled in the ordinary way")
      assert.isTrue(
        (yield* Effect.exit(engine.perform(ben, { _tag: "SendMessages", messages: [draft("a")] })))._tag === "Failure"
      )
      yield* Fiber.join(kicking)
    }).pipe(Effect.provide(heldEngine))
  )

  it.effect("are not duplicated: a gid in flight or stored returns the stored message", () =>
    Effect.gen(function* () {
      const [ann] = yield* group("ann", "ben")
      const { engine, send, settled } = yield* begun(ann)
      assert.isTrue(send(draft("a")))
      assert.isTrue(send(draft("a")))
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        settled.map((outcome) => outcome?.reply.message.gid),
        ["a", undefined]
      )
      const [again] = yield* engine.perform(ann, { _tag: "SendMessages", messages: [draft("a")] })
      assert.strictEqual(again?.message.id, settled[0]?.reply.message.id)
      const { total } = yield* engine.perform(ann, { _tag: "ReadHistory", chat: { gid: "g" } })
      assert.strictEqual(total, 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("fall back to the command if facts are not cached, or a rule refuses them", () =>
    Effect.gen(function* () {
      const [ann] = yield* group("ann", "ben")
      const [eve] = yield* people("eve")
      const { engine, send, settled } = yield* begun(ann)
      assert.isFalse(send({ ...draft("a"), chat: { gid: "unknown" } }), "a chat that is not in memory")
      assert.isFalse(send(draft("")), "a message that is not one")
      if (eve === undefined) return assert.fail("no eve")
      assert.isFalse((yield* begun(eve)).send(draft("a")), "a user whom the chat is not for")
      assert.deepStrictEqual(settled, [])
      const { total } = yield* engine.perform(ann, { _tag: "ReadHistory", chat: { gid: "g" } })
      assert.strictEqual(total, 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("do not bypass the embedder's hooks", () =>
    Effect.gen(function* () {
      const [ann] = yield* group("ann", "ben")
      const { send } = yield* begun(ann)
      assert.isFalse(send(draft("a")))
    }).pipe(Effect.provide(engineLayer.pipe(Layer.provide(Layer.succeed(Hooks, { after: () => Effect.void })))))
  )
})
