/** A commit is reported as failed although it was carried out: members get its entries, and users who left get no later ones. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Deferred, Effect, Layer } from "effect"
import type { Command } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { StorageFailed, Store } from "@parley/core/Store"
import { chatRef, idsOf, online, people, plainPasswords } from "./harness.ts"

/**
 * An engine whose store reports the next commit as failed: after `fail` it is carried out, after `lose` it is not. After
 * `hold` the store reads no log until it is released.
 */
const uncertain = () => {
  const store = MemoryStore.make()
  let next: "fails" | "is lost" | "succeeds" = "succeeds"
  let held: Effect.Effect<void> = Effect.void
  const failed = Effect.fail(new StorageFailed({ operation: "commit", cause: new Error("cut off") }))
  const failing = Store.of({
    ...store,
    entries: (ranges) => Effect.andThen(held, store.entries(ranges)),
    commit: (batch) =>
      Effect.suspend(() => {
        const outcome = next
        next = "succeeds"
        if (outcome === "is lost") return failed
        return outcome === "fails" ? Effect.andThen(store.commit(batch), failed) : store.commit(batch)
      })
  })
  return {
    layer: Parley.layer.pipe(Layer.provideMerge(Layer.merge(Layer.succeed(Store, failing), plainPasswords))),
    fail: () => {
      next = "fails"
    },
    lose: () => {
      next = "is lost"
    },
    hold: () => {
      const released = Deferred.makeUnsafe<void>()
      held = Deferred.await(released)
      return () => {
        held = Effect.void
        Deferred.doneUnsafe(released, Effect.void)
      }
    }
  }
}

const group = Effect.gen(function* () {
  const [ann, ben, cem] = yield* people("ann", "ben", "cem")
  if (ann === undefined || ben === undefined || cem === undefined) return yield* Effect.die("no users")
  const { perform } = yield* Engine
  const { chat } = yield* perform(ann, {
    _tag: "CreateChat",
    gid: "group",
    name: "group",
    type: "group",
    members: idsOf([ben, cem]),
    subject: 0,
    public: false
  })
  const send = (gid: string): Command => ({
    _tag: "SendMessages",
    messages: [{ gid, chat: chatRef(chat.id), type: "normal", contentType: "text", content: gid }]
  })
  return { ann, ben, cem, chat, perform, send }
})

describe("after a commit whose outcome is unknown", () => {
  it.effect("a user who has left gets no later message, and members get the change", () => {
    const { fail, layer } = uncertain()
    return Effect.gen(function* () {
      const { ann, ben, cem, chat, perform, send } = yield* group
      const left = yield* online(ben)
      const member = yield* online(cem)
      fail()
      const refused = yield* Effect.flip(perform(ben, { _tag: "LeaveChat", chat: chatRef(chat.id) }))
      assert.strictEqual(refused.reason._tag, "Unavailable")
      yield* member.until(() => member.of("Changed").length === 1)
      yield* perform(ann, send("later"))
      yield* member.until(() => member.of("Posted").length === 1)
      yield* left.ask()
      assert.deepStrictEqual(left.of("Posted"), [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("a user who has left gets no message that is sent before the log is read again", () => {
    const { fail, hold, layer } = uncertain()
    return Effect.gen(function* () {
      const { ann, ben, chat, perform, send } = yield* group
      const left = yield* online(ben)
      const release = hold()
      fail()
      yield* Effect.flip(perform(ben, { _tag: "LeaveChat", chat: chatRef(chat.id) }))
      yield* perform(ann, send("before"))
      release()
      yield* perform(ann, send("after"))
      yield* left.ask()
      assert.deepStrictEqual(left.of("Posted"), [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("a user whose removal was not stored gets all messages, each once", () => {
    const { hold, lose, layer } = uncertain()
    return Effect.gen(function* () {
      const { ann, ben, chat, perform, send } = yield* group
      const member = yield* online(ben)
      const release = hold()
      lose()
      yield* Effect.flip(perform(ann, { _tag: "RemoveMembers", chat: chatRef(chat.id), members: idsOf([ben]) }))
      yield* perform(ann, send("before"))
      yield* member.ask()
      assert.deepStrictEqual(member.of("Posted"), [])
      release()
      yield* member.until(() => member.of("Posted").length === 1)
      yield* perform(ann, send("after"))
      yield* member.until(() => member.of("Posted").length === 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("members get the message when its sender sends it again", () => {
    const { fail, layer } = uncertain()
    return Effect.gen(function* () {
      const { ann, cem, perform, send } = yield* group
      const member = yield* online(cem)
      fail()
      yield* Effect.flip(perform(ann, send("once")))
      yield* perform(ann, send("once"))
      yield* member.until(() => member.of("Posted").length > 0)
      yield* member.ask()
      assert.strictEqual(member.of("Posted").length, 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("the members of a chat that was created get it", () => {
    const { fail, layer } = uncertain()
    return Effect.gen(function* () {
      const { ann, cem, perform } = yield* group
      const member = yield* online(cem)
      fail()
      const create = { _tag: "CreateChat", gid: "new", name: "new", type: "group", subject: 0, public: false } as const
      yield* Effect.flip(perform(ann, { ...create, members: idsOf([cem]) }))
      yield* member.until(() => member.of("Created").length === 1)
    }).pipe(Effect.provide(layer))
  })
})
