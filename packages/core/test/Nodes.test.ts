/** Invariants of the design that hold for one engine: authority, and one engine from a seed. Several: `TwoNodes.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import { TestClock } from "effect/testing"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Chats, Messages } from "./Commands.ts"
import { people, plainPasswords } from "./harness.ts"

describe("invariant 6: authority comes from the session, never from a field in a request", () => {
  it.effect("unknown or disabled callers are refused, and users reach their own settings only", () =>
    Effect.gen(function* () {
      const chats = yield* Chats
      const users = yield* Users
      const [ann, ben] = yield* people("ann", "ben")
      assert(ann && ben)
      yield* chats.create(ann, { gid: "g", members: [ben.user] })
      yield* users.setDisabled("ben", true)
      for (const caller of [ben, { user: 99 as never, device: null }]) {
        const refused = yield* Effect.flip(chats.list(caller))
        assert.strictEqual(refused.reason._tag, "NotLoggedIn")
      }
      const { perform } = yield* Engine
      for (const command of [
        { _tag: "ReadUserSettings", account: "ben" },
        { _tag: "SaveUserSettings", account: "ben", settings: "{}" }
      ] as const) {
        const refused = yield* Effect.flip(perform(ann, command))
        assert.deepStrictEqual(refused.reason, { _tag: "Forbidden", requires: "oneself" })
      }
      assert.strictEqual(yield* (yield* Store).settings(ben.user), null)
    }).pipe(Effect.provide(Parley.layer.pipe(Layer.provideMerge(Layer.merge(MemoryStore.layer, plainPasswords)))))
  )
})

describe("invariant 9: time, randomness and ids come from services", () => {
  /** Numbers from a seed: every byte follows from the one before. */
  const seeded = (seed: number) =>
    Layer.sync(SecureRandom.SecureRandom, () => {
      let state = seed
      return SecureRandom.make((size) =>
        Uint8Array.from({ length: size }, () => {
          state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
          return state >> 16
        })
      )
    })

  const history = (seed: number) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const [ann] = yield* people("ann")
      assert(ann)
      const { token } = yield* (yield* Sessions).issue(ann.user, "token")
      const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: [] })
      yield* TestClock.adjust("5 seconds")
      yield* (yield* Messages).send(ann, [{ gid: "m", chat, content: "x" }])
      const entries = yield* (yield* Store).entries([{ chat: chat.id, after: 0, limit: 10 }])
      return JSON.stringify({ token, entries })
    }).pipe(
      Effect.provide(
        Parley.layerOn(Parley.singleNode, seeded(seed)).pipe(
          Layer.provideMerge(Layer.merge(MemoryStore.layer, plainPasswords))
        )
      )
    )

  it.effect("the same seed and the same clock give the same tokens, ids and times", () =>
    Effect.gen(function* () {
      const first = yield* history(1)
      assert.strictEqual(yield* history(1), first)
      assert.notStrictEqual(yield* history(2), first)
    })
  )
})
