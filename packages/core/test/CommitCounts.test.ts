/** Counts of commits, by result, and their durations. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { ChatId } from "@parley/core/Ids"
import { type MessageAppend, StorageFailed, Store, type WriteBatch } from "@parley/core/Store"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { COMMIT_SECONDS, CommitCounts, countCommits } from "../src/engine/CommitCounts.ts"

const counted = (store: Store["Service"]) =>
  countCommits.pipe(Layer.provideMerge(Layer.merge(Layer.succeed(Store, store), CommitCounts.layer)))

const record = (key: string, once: boolean): WriteBatch["writes"][number] => ({
  _tag: "PutRecord",
  record: { dialect: "test", kind: "test", key, value: 1 },
  once
})

/** Returns the number of measured commits with at most this duration in seconds, and above the next smaller bound. */
const measured = (counts: CommitCounts["Service"], bound: (typeof COMMIT_SECONDS)[number]): number | undefined =>
  counts.durations[COMMIT_SECONDS.indexOf(bound)]

const total = ({ durations }: CommitCounts["Service"]): number => durations.reduce((sum, each) => sum + each, 0)

describe("CommitCounts", () => {
  it.effect("counts commits and writes by result", () => {
    const memory = MemoryStore.make()
    let broken = false
    const store = Store.of({
      ...memory,
      commit: (batch) =>
        broken
          ? Effect.fail(new StorageFailed({ operation: "commit", cause: new Error("cut off") }))
          : memory.commit(batch)
    })
    return Effect.gen(function* () {
      const { commit } = yield* Store
      const counts = yield* CommitCounts
      yield* commit({
        expectedVersions: [],
        writes: [record("a", true), record("b", false)]
      })
      const failure = (batch: WriteBatch) => Effect.map(Effect.flip(commit(batch)), ({ _tag }) => _tag)
      assert.strictEqual(yield* failure({ expectedVersions: [], writes: [record("a", true)] }), "Duplicate")
      assert.strictEqual(
        yield* failure({ expectedVersions: [{ chat: ChatId(99), version: 1 }], writes: [record("c", false)] }),
        "VersionConflict"
      )
      broken = true
      assert.strictEqual(yield* failure({ expectedVersions: [], writes: [record("c", false)] }), "StorageFailed")
      assert.deepStrictEqual(counts.failed, { VersionConflict: 1, Duplicate: 1, StorageFailed: 1 })
      assert.strictEqual(counts.succeeded, 1)
      assert.strictEqual(counts.writes, 2)
      assert.strictEqual(counts.fast, 0)
      assert.strictEqual(total(counts), 4)
    }).pipe(Effect.provide(counted(store)))
  })

  it.effect("measures commits until they are durable, also above all bounds", () => {
    const memory = MemoryStore.make()
    let durable = Deferred.makeUnsafe<void>()
    const store = Store.of({
      ...memory,
      commit: (batch) => Effect.andThen(Deferred.await(durable), memory.commit(batch))
    })
    return Effect.gen(function* () {
      const { commit } = yield* Store
      const counts = yield* CommitCounts
      for (const duration of ["25 millis", "26 millis", "6 seconds"] as const) {
        durable = Deferred.makeUnsafe<void>()
        const fiber = yield* Effect.forkChild(commit({ expectedVersions: [], writes: [] }), { startImmediately: true })
        yield* TestClock.adjust(duration)
        assert.strictEqual(total(counts), counts.succeeded)
        yield* Deferred.succeed(durable, undefined)
        yield* Fiber.join(fiber)
      }
      assert.strictEqual(measured(counts, 0.025), 1)
      assert.strictEqual(measured(counts, 0.05), 1)
      assert.strictEqual(counts.durations.at(-1), 1)
      assert.strictEqual(total(counts), 3)
      assert.closeTo(counts.seconds, 6.051, 1e-9)
    }).pipe(Effect.provide(counted(store)))
  })

  it.effect("counts all messages of the fast path, and measures one in 16", () => {
    const waiting: Array<() => void> = []
    const store = Store.of({
      ...MemoryStore.make(),
      appendMessage: (_message, onComplete) => void waiting.push(() => onComplete(undefined))
    })
    return Effect.gen(function* () {
      const { appendMessage } = yield* Store
      const counts = yield* CommitCounts
      const message: MessageAppend = {
        chat: ChatId(1),
        version: 1,
        by: null,
        device: null,
        at: 0,
        body: { _tag: "Posted", gid: "m", type: "normal", contentType: "text", content: "m", date: 0 }
      }
      let completed = 0
      for (let index = 0; index < 33; index++) appendMessage?.(message, () => completed++)
      assert.strictEqual(counts.fast, 33)
      yield* TestClock.adjust("40 millis")
      assert.strictEqual(total(counts), 0)
      for (const complete of waiting.slice(0, 16)) complete()
      assert.strictEqual(total(counts), 1)
      for (const complete of waiting.slice(16)) complete()
      assert.strictEqual(completed, 33)
      assert.strictEqual(measured(counts, 0.05), 3)
      assert.strictEqual(total(counts), 3)
      assert.closeTo(counts.seconds, 0.12, 1e-9)
    }).pipe(Effect.provide(counted(store)))
  })
})
