/** A commit is reported as failed although it was carried out: members get its entries, and users who left get no later ones. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Effect, Layer } from "effect"
import type { Command } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { StorageFailed, Store } from "@parley/core/Store"
import { chatRef, idsOf, online, people, plainPasswords } from "./harness.ts"

/** An engine whose store carries out the commit after `fail` is called, and reports it as failed. */
const uncertain = () => {
  const store = MemoryStore.make()
  let isFailing = false
  const failing = Store.of({
    ...store,
    commit: (batch) =>
      Effect.flatMap(store.commit(batch), (results) => {
        if (!isFailing) return Effect.succeed(results)
        isFailing = false
        return Effect.fail(new StorageFailed({ operation: "commit", cause: new Error("cut off") }))
      })
  })
  return {
    layer: Parley.layer.pipe(Layer.provideMerge(Layer.merge(Layer.succeed(Store, failing), plainPasswords))),
    fail: () => {
      isFailing = true
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
