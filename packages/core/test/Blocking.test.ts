/** Blocked users: removed from a group, and kept out until it is undone. */
import { assert, describe, it } from "@effect/vitest"
import { flaggedUsers } from "@parley/core/Chat"
import { Engine } from "@parley/core/Engine"
import type { UserCaller as Caller } from "@parley/core/Event"
import type { UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { engineLayer, people } from "./harness.ts"
import { makeCluster, on } from "./twoNodes.ts"

const chat = { gid: "g" }
const block = (by: Caller, users: ReadonlyArray<UserId>, blocked = true) =>
  Effect.map(
    Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "BlockUsers", chat, users, blocked })),
    ({ chat: facts }) => ({
      version: facts.version,
      members: [...facts.members.keys()],
      blocked: flaggedUsers(facts.attributes, "blocked")
    })
  )
const join = (by: Caller) => Effect.flatMap(Engine, ({ perform }) => perform(by, { _tag: "JoinChat", chat }))
const reasonOf = <A, R>(refused: Effect.Effect<A, { readonly reason: unknown }, R>) =>
  Effect.map(Effect.flip(refused), ({ reason }) => reason)

/** A public group of ann, its owner, and ben; cat is outside. */
const group = Effect.gen(function* () {
  const [ann, ben, cat] = yield* people("ann", "ben", "cat")
  if (ann === undefined || ben === undefined || cat === undefined) return yield* Effect.die("nobody")
  const { perform } = yield* Engine
  const members = [ben.user]
  yield* perform(ann, { _tag: "CreateChat", ...chat, name: "", type: "group", members, subject: 0, public: true })
  return { ann, ben, cat, perform }
})

describe("a blocked user", () => {
  it.effect("is removed in the same entry, and neither joins nor is added until it is undone", () =>
    Effect.gen(function* () {
      const { ann, ben, cat, perform } = yield* group
      const first = yield* block(ann, [ben.user, cat.user])
      assert.deepStrictEqual(first, { version: 2, members: [ann.user], blocked: [ben.user, cat.user] })
      assert.strictEqual((yield* block(ann, [ben.user])).version, 2, "nothing has changed")
      const { store } = (yield* Engine).context
      const [entry] = yield* store.entries([
        { chat: (yield* perform(ann, { _tag: "ReadChat", chat })).chat.id, after: 1, limit: 2 }
      ])
      assert.deepInclude(entry?.body, { removed: [ben.user] })

      assert.deepStrictEqual(yield* reasonOf(join(ben)), { _tag: "Blocked" })
      for (const command of [
        { _tag: "AddMembers", chat, members: [ben.user] },
        { _tag: "ReviseGroup", chat, add: [ben.user] }
      ] as const) {
        assert.deepStrictEqual(yield* reasonOf(perform(ann, command)), { _tag: "Blocked", users: ["ben"] })
      }
      assert.deepStrictEqual((yield* block(ann, [ben.user], false)).blocked, [cat.user])
      yield* join(ben)
      assert.deepStrictEqual(yield* reasonOf(join(cat)), { _tag: "Blocked" })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is named by an admin, and is not the owner", () =>
    Effect.gen(function* () {
      const { ann, ben, cat } = yield* group
      assert.deepStrictEqual(yield* reasonOf(block(ben, [cat.user])), { _tag: "Forbidden", requires: "admins" })
      assert.deepStrictEqual(yield* reasonOf(block(cat, [ben.user])), { _tag: "NotMember" })
      assert.deepStrictEqual(yield* reasonOf(block(ann, [ben.user, ann.user])), { _tag: "CannotRemoveOwner" })
      assert.deepInclude(yield* reasonOf(block(ann, [])), { _tag: "Invalid" })
      assert.deepStrictEqual((yield* block(ann, [ben.user], false)).members, [ann.user, ben.user])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is one on the other node", () =>
    Effect.gen(function* () {
      const { here, there, advance } = yield* makeCluster()
      const { ann, ben, cat } = yield* on(here)(group)
      yield* advance("2 seconds")
      yield* on(there)(join(cat))
      yield* on(here)(block(ann, [ben.user, cat.user]))
      yield* advance("2 seconds")
      for (const user of [ben, cat]) assert.deepStrictEqual(yield* on(there)(reasonOf(join(user))), { _tag: "Blocked" })
    }).pipe(Effect.scoped)
  )
})
