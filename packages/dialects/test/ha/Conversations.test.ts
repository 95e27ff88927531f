/** Conversations of two users, and their ids. Source: seeds/003; PROTOCOLS, "ha". */
import { assert, describe, it } from "@effect/vitest"
import { ChatId } from "@parley/core/Ids"
import { Effect } from "effect"
import { engineLayer, addUsers } from "./harness.ts"
import { dataOf, fixture } from "./client.ts"

describe("POST /conversation", () => {
  it.effect("returns the one conversation of two users, for either caller and under concurrency", () =>
    Effect.gen(function* () {
      const { alice, bob, carol, start, engine } = yield* fixture
      const replies = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, index) => index % 2 === 0),
        (isAlice) => (isAlice ? start(alice, bob.id) : start(bob, alice.id)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(replies.map(({ text }) => text)).size, 1)
      const id = dataOf<{ readonly conversationid: number }>(replies[0]!).conversationid
      assert.deepStrictEqual(replies[0]?.json, {
        code: 0,
        msg: "成功",
        data: { conversationid: id, match: [String(alice.id), String(bob.id)] }
      })
      assert.isTrue(id <= -100_000_001 && id >= -999_999_999)
      const reply = yield* engine.perform(bob.caller, { _tag: "ReadChat", chat: { id: ChatId(-id - 100_000_000) } })
      assert.strictEqual(reply.chat.gid, `${alice.id}&${bob.id}`)
      assert.isNull(reply.chat.owner)
      const racing = yield* Effect.forEach(Array.from({ length: 30 }), () => start(carol, alice.id), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(racing.map(({ text }) => text)).size, 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("returns the two ids in string order", () =>
    Effect.gen(function* () {
      const { alice, start } = yield* fixture
      const more = yield* addUsers(...Array.from({ length: 8 }, (_, index) => `u${index}`))
      const tenth = more.find(({ id }) => id === 10)!
      const reply = yield* start(tenth, alice.id)
      assert.deepStrictEqual(dataOf<{ readonly match: unknown }>(reply).match, ["1", "10"])
      const ninth = more.find(({ id }) => id === 9)!
      assert.deepStrictEqual(dataOf<{ readonly match: unknown }>(yield* start(ninth, 10)).match, ["10", "9"])
    }).pipe(Effect.provide(engineLayer))
  )
})
