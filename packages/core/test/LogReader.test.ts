/** Pages of a log: every entry once and in order, and loads of bounded size. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Effect } from "effect"
import { LogReader } from "../src/delivery/LogReader.ts"
import { createChat, pair, post } from "../src/testing/StoreLaws/Law.ts"

/** Reads the log of a chat with messages of the given sizes; returns its sequences and the characters of each load. */
const read = Effect.fnUntraced(function* (sizes: ReadonlyArray<number>) {
  const store = MemoryStore.make()
  const [ann, ben] = yield* pair(store)
  const { chat } = yield* createChat(store, "g", [ann, ben])
  for (const [n, size] of sizes.entries()) yield* post(store, chat.id, ann, `m${n}`, { content: "x".repeat(size) })
  const loads: Array<number> = []
  const reader = new LogReader({
    ...store,
    messages: (ids) =>
      Effect.tap(store.messages(ids), (messages) =>
        Effect.sync(() => loads.push(messages.reduce((sum, { content }) => sum + content.length, 0)))
      )
  })
  reader.add(chat.id, 0)
  const seqs: Array<number> = []
  while (reader.chats.length > 0) {
    yield* reader.load
    for (let next = reader.next(() => true); next !== undefined; next = reader.next(() => true))
      seqs.push(next.entry.seq)
  }
  return { seqs, loads }
})

const KIB = 1024

describe("a log reader", () => {
  it.effect("loads few large messages at a time, and every entry once", () =>
    Effect.gen(function* () {
      const { seqs, loads } = yield* read(Array.from({ length: 300 }, () => 64 * KIB))
      assert.deepStrictEqual(
        seqs,
        Array.from({ length: 301 }, (_, index) => index + 1)
      )
      const [first = 0, ...later] = loads
      assert.isAtMost(first, 64 * 64 * KIB)
      // Pages shrink to the smallest one while messages stay large.
      assert.isAtMost(Math.min(...later), 8 * 64 * KIB)
      for (const load of later) assert.isAtMost(load, first)
    })
  )

  it.effect("loads more small messages at a time, up to a full page", () =>
    Effect.gen(function* () {
      const { seqs, loads } = yield* read(Array.from({ length: 1000 }, () => 10))
      assert.strictEqual(seqs.length, 1001)
      assert.isAbove(loads[1] ?? 0, loads[0] ?? 0)
      assert.strictEqual(Math.max(...loads), 200 * 10)
    })
  )
})
