/** Admins of a group, whom its owner appoints. */
import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import type { UserCaller as Caller } from "@parley/core/Event"
import type { UserId } from "@parley/core/Ids"
import { Store } from "@parley/core/Store"
import { Effect } from "effect"
import { engineLayer, people } from "./harness.ts"

const chat = { gid: "g" }

/** A public group of ann, its owner, ben and cat; dan is outside. */
const group = Effect.gen(function* () {
  const [ann, ben, cat, dan] = yield* people("ann", "ben", "cat", "dan")
  if (ann === undefined || ben === undefined || cat === undefined || dan === undefined)
    return yield* Effect.die("nobody")
  const { perform } = yield* Engine
  const members = [ben.user, cat.user]
  yield* perform(ann, { _tag: "CreateChat", ...chat, name: "", type: "group", members, subject: 0, public: true })
  const promote = (by: Caller, users: ReadonlyArray<UserId>, promoted = true) =>
    perform(by, { _tag: "PromoteMembers", chat, members: users, promoted })
  const reasonOf = (by: Caller, command: Command) =>
    Effect.map(Effect.flip(perform(by, command)), ({ reason }) => reason)
  const refusal = (by: Caller, users: ReadonlyArray<UserId>, promoted = true) =>
    reasonOf(by, { _tag: "PromoteMembers", chat, members: users, promoted })
  return { ann, ben, cat, dan, perform, promote, reasonOf, refusal }
})

describe("an admin whom the owner has appointed", () => {
  it.effect("has the rights of admins until they are taken away, and appoints nobody", () =>
    Effect.gen(function* () {
      const { ann, ben, cat, perform, promote, reasonOf, refusal } = yield* group
      const silence = { _tag: "SilenceMembers", chat, members: [cat.user], silenced: true } as const
      assert.deepStrictEqual(yield* reasonOf(ben, silence), { _tag: "Forbidden", requires: "admins" })
      const { chat: after, head } = yield* promote(ann, [ben.user, ben.user, ann.user])
      assert.deepStrictEqual(after.admins, [ben.user])
      yield* perform(ben, silence)
      assert.deepStrictEqual(yield* refusal(ben, [cat.user]), { _tag: "Forbidden", requires: "the owner" })
      assert.deepStrictEqual(yield* refusal(ben, [ben.user], false), { _tag: "Forbidden", requires: "the owner" })

      const stored = yield* (yield* Store).entries([{ chat: after.id, after: head.seq - 1, limit: 1 }])
      assert.deepStrictEqual(
        stored.map(({ body }) => body),
        [{ _tag: "Changed", admins: [ben.user], promoted: [ben.user] }]
      )
      const { version } = (yield* perform(ann, { _tag: "ReadChat", chat })).chat
      assert.strictEqual((yield* promote(ann, [ben.user])).chat.version, version, "nothing has changed")
      const demoted = yield* promote(ann, [ben.user, cat.user], false)
      assert.deepStrictEqual(demoted.chat.admins, [])
      assert.strictEqual((yield* promote(ann, [ben.user], false)).chat.version, demoted.chat.version)
      assert.deepStrictEqual(yield* reasonOf(ben, silence), { _tag: "Forbidden", requires: "admins" })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is a member: others are refused, and whoever leaves comes back without the right", () =>
    Effect.gen(function* () {
      const { ann, ben, dan, perform, promote, refusal } = yield* group
      assert.deepStrictEqual(yield* refusal(ann, [dan.user, ben.user]), {
        _tag: "TargetsNotMembers",
        users: ["dan"]
      })
      assert.strictEqual((yield* refusal(ann, []))._tag, "Invalid")
      assert.strictEqual((yield* refusal(ann, [ann.user], false))._tag, "Invalid")
      yield* promote(ann, [ben.user])
      yield* perform(ben, { _tag: "LeaveChat", chat })
      assert.deepStrictEqual((yield* perform(ben, { _tag: "JoinChat", chat })).chat.admins, [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is still one after the ownership has passed to them, and appoints others then", () =>
    Effect.gen(function* () {
      const { ann, ben, cat, perform, promote } = yield* group
      yield* promote(ann, [ben.user])
      assert.strictEqual((yield* perform(ann, { _tag: "LeaveChat", chat })).chat.owner, ben.user)
      assert.deepStrictEqual((yield* promote(ben, [cat.user])).chat.admins, [ben.user, cat.user])
    }).pipe(Effect.provide(engineLayer))
  )
})
