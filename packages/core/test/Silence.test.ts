/** Silenced members: an admin forbids them to send, on every path, until it is undone. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { flaggedUsers } from "@parley/core/Chat"
import type { Draft } from "@parley/core/Command"
import { soleReason } from "@parley/core/describeReason"
import { Engine } from "@parley/core/Engine"
import type { UserCaller as Caller } from "@parley/core/Event"
import type { UserId } from "@parley/core/Ids"
import * as Parley from "@parley/core/Parley"
import { Store } from "@parley/core/Store"
import { Effect, Layer } from "effect"
import { engineLayer, people, plainPasswords } from "./harness.ts"
import { makeCluster, on } from "./twoNodes.ts"

const chat = { gid: "g" }
const draft = (gid: string): Draft => ({ gid, chat, type: "normal", contentType: "text", content: gid })
const send = (by: Caller, gid: string) =>
  Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "SendMessages", messages: [draft(gid)] }))
/** Returns the reason for which a message is refused. */
const refusalOf = (by: Caller, gid: string) =>
  Effect.map(Effect.flip(send(by, gid)), ({ reason }) => soleReason(reason)._tag)
/** Silences members, or lets them send again; returns the chat's version and its silenced users. */
const silence = (by: Caller, members: ReadonlyArray<UserId>, silenced = true) =>
  Effect.map(
    Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "SilenceMembers", chat, members, silenced })),
    ({ chat: { attributes, version } }) => ({ version, users: flaggedUsers(attributes, "silenced") })
  )

/** A public group of ann, its owner, ben and cat; dan is outside. */
const group = Effect.gen(function* () {
  const [ann, ben, cat, dan] = yield* people("ann", "ben", "cat", "dan")
  if (ann === undefined || ben === undefined || cat === undefined || dan === undefined)
    return yield* Effect.die("nobody")
  const { perform } = yield* Engine
  const members = [ben.user, cat.user]
  yield* perform(ann, { _tag: "CreateChat", ...chat, name: "", type: "group", members, subject: 0, public: true })
  return { ann, ben, cat, dan, perform }
})

describe("a silenced member", () => {
  it.effect("may not send, type, edit or rename, by the command and by the fast path, until it is undone", () =>
    Effect.gen(function* () {
      const { ann, ben, cat, perform } = yield* group
      const { trySend } = yield* Engine
      yield* send(ben, "b1")
      const { users, version } = yield* silence(ann, [ben.user, ben.user])
      assert.deepStrictEqual(users, [ben.user])
      assert.strictEqual((yield* silence(ann, [ben.user])).version, version, "nothing has changed")
      assert.strictEqual(yield* refusalOf(ben, "b2"), "SendForbidden")
      assert.isFalse(trySend(ben, draft("b2"), () => assert.fail("sent")))
      for (const command of [
        { _tag: "NotifyTyping", chat, typing: true },
        { _tag: "EditMessage", gid: "b1", content: "edited" },
        { _tag: "RenameChat", chat, name: "Ben's" }
      ] as const) {
        assert.strictEqual((yield* Effect.flip(perform(ben, command))).reason._tag, "SendForbidden", command._tag)
      }
      yield* perform(ben, { _tag: "RecallMessage", gid: "b1" })
      yield* send(cat, "c1")
      assert.deepStrictEqual((yield* silence(ann, [ben.user], false)).users, [])
      assert.isTrue(trySend(ben, draft("b2"), () => {}))
      yield* send(ben, "b3")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("stays silenced after leaving and joining again, and may be let go while away", () =>
    Effect.gen(function* () {
      const { ann, ben, perform } = yield* group
      yield* silence(ann, [ben.user])
      yield* perform(ben, { _tag: "LeaveChat", chat })
      yield* perform(ben, { _tag: "JoinChat", chat })
      assert.strictEqual(yield* refusalOf(ben, "b1"), "SendForbidden")
      yield* perform(ben, { _tag: "LeaveChat", chat })
      assert.deepStrictEqual((yield* silence(ann, [ben.user], false)).users, [])
      yield* perform(ben, { _tag: "JoinChat", chat })
      yield* send(ben, "b1")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("who becomes the owner may send", () =>
    Effect.gen(function* () {
      const { ann, ben, perform } = yield* group
      yield* silence(ann, [ben.user])
      yield* perform(ann, { _tag: "LeaveChat", chat })
      yield* send(ben, "b1")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is one of a group, named by an admin who is none of them; of at most 1000", () =>
    Effect.gen(function* () {
      const { ann, ben, cat, dan, perform } = yield* group
      const reasonOf = (by: Caller, users: ReadonlyArray<UserId>) =>
        Effect.map(Effect.flip(silence(by, users)), ({ reason }) => reason)
      assert.deepStrictEqual(yield* reasonOf(ben, [cat.user]), { _tag: "Forbidden", requires: "admins" })
      assert.deepStrictEqual(yield* reasonOf(dan, [cat.user]), { _tag: "NotMember" })
      assert.deepStrictEqual(yield* reasonOf(ann, [ben.user, dan.user]), {
        _tag: "TargetsNotMembers",
        users: ["dan"]
      })
      for (const users of [[], [ann.user]]) assert.strictEqual((yield* reasonOf(ann, users))._tag, "Invalid")
      assert.deepStrictEqual((yield* silence(ann, [dan.user], false)).users, [])
      const crowd = yield* people(...Array.from({ length: 999 }, (_, n) => `user${n}`))
      const ids = crowd.map(({ user }) => user)
      yield* perform(ann, { _tag: "AddMembers", chat, members: ids })
      yield* silence(ann, ids)
      yield* silence(ann, [ben.user])
      assert.deepStrictEqual(yield* reasonOf(ann, [cat.user]), {
        _tag: "Invalid",
        field: "members",
        problem: "must leave at most 1000 silenced users"
      })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is one after a restart, and on the other node", () =>
    Effect.gen(function* () {
      const store = MemoryStore.make()
      const start = Layer.build(
        Layer.fresh(Parley.layer.pipe(Layer.provideMerge(Layer.mergeAll(Layer.succeed(Store, store), plainPasswords))))
      )
      const { ann, ben } = yield* Effect.provideContext(group, yield* start)
      yield* Effect.provideContext(silence(ann, [ben.user]), yield* start)
      assert.strictEqual(yield* Effect.provideContext(refusalOf(ben, "b1"), yield* start), "SendForbidden")

      const { here, there, advance } = yield* makeCluster()
      const two = yield* on(here)(group)
      yield* advance("2 seconds")
      yield* on(there)(send(two.ben, "b1"))
      yield* on(here)(silence(two.ann, [two.ben.user]))
      yield* advance("2 seconds")
      assert.isFalse(yield* on(there)(Effect.map(Engine, ({ trySend }) => trySend(two.ben, draft("b2"), () => {}))))
      assert.strictEqual(yield* on(there)(refusalOf(two.ben, "b2")), "SendForbidden")
    }).pipe(Effect.scoped)
  )
})
