/** When the log's indexes are brought up to it. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { IndexScheduler, type IndexEvents, DEFAULT_POLICY } from "../src/internal/log-index/IndexScheduler.ts"

const failing = (cause: unknown): never => assert.fail(String(cause))
const none: IndexEvents = { failed: failing, rebuilt: failing }

/** Writing that has so many entries to index, and takes them as asked; `fails` is thrown instead while there is any. */
const pretended = () => {
  const writer = {
    unindexed: 0,
    bufferedGids: 0,
    asked: new Array<number>(),
    fails: undefined as unknown,
    index(this: void, most = Infinity) {
      writer.asked.push(most)
      if (writer.fails !== undefined) throw writer.fails
      writer.unindexed = Math.max(0, writer.unindexed - most)
    }
  }
  return writer
}

describe("indexing", () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it("starts at enough entries, or when idle", () => {
    vi.useFakeTimers()
    const writer = pretended()
    const indexing = new IndexScheduler(writer, { entries: 10, gids: 0, idle: 100 }, none)
    writer.unindexed = 9
    indexing.afterTransaction()
    vi.advanceTimersByTime(99)
    indexing.afterTransaction()
    vi.advanceTimersByTime(99)
    assert.deepStrictEqual(writer.asked, [])
    vi.advanceTimersByTime(1)
    assert.strictEqual(writer.unindexed, 0)
    writer.unindexed = 10
    indexing.afterTransaction()
    assert.strictEqual(writer.unindexed, 0)
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("takes as many entries as fit the step time, but never falls behind", () => {
    vi.useFakeTimers()
    const writer = pretended()
    const { index } = writer
    const slow = {
      get unindexed() {
        return writer.unindexed
      },
      bufferedGids: 0,
      index(most = Infinity) {
        const before = writer.unindexed
        index(most)
        vi.advanceTimersByTime((before - writer.unindexed) / 10)
      }
    }
    const indexing = new IndexScheduler(slow, { entries: 4096, gids: 0, idle: 100 }, none)
    for (const [unindexed, left] of [
      [4096, 0],
      [4096, 3596],
      [4095, 4095],
      [6000, 4096]
    ] as const) {
      writer.unindexed = unindexed
      indexing.afterTransaction()
      assert.strictEqual(writer.unindexed, left)
    }
    vi.advanceTimersByTime(100_000)
    assert.strictEqual(writer.unindexed, 0)
    assert.deepStrictEqual(writer.asked.slice(0, 4), [8192, 500, 1904, 500])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("adapts the step size when gids take the time", () => {
    vi.useFakeTimers()
    const writer = { ...pretended(), bufferedGids: 30_000, most: new Array<number>() }
    const indexing = new IndexScheduler(
      Object.assign(writer, {
        index: (most = Infinity, keep = 0) => {
          writer.most.push(most)
          writer.unindexed = 0
          const many = Math.min(most, Math.max(0, writer.bufferedGids - keep))
          writer.bufferedGids -= many
          vi.advanceTimersByTime(many / 20)
        }
      }),
      { entries: 8192, gids: 32_768, idle: 100 },
      none
    )
    writer.unindexed = 8192
    indexing.afterTransaction()
    vi.advanceTimersByTime(10_000)
    assert.strictEqual(writer.bufferedGids, 0)
    assert.deepStrictEqual(writer.most.slice(0, 4), [8192, 8192, 1000, 1000])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("buffers gids under load, and writes all of them when idle", () => {
    vi.useFakeTimers()
    const writer = pretended()
    const kept: Array<number | undefined> = []
    const indexing = new IndexScheduler(
      {
        get unindexed() {
          return writer.unindexed
        },
        get bufferedGids() {
          return writer.bufferedGids
        },
        index(most, keep = 0) {
          kept.push(keep)
          writer.bufferedGids = keep
          writer.index(most)
        }
      },
      { entries: 10, gids: 50, idle: 100 },
      none
    )
    writer.unindexed = 10
    writer.bufferedGids = 60
    indexing.afterTransaction()
    assert.deepStrictEqual([writer.unindexed, writer.bufferedGids], [0, 50])
    vi.advanceTimersByTime(99)
    assert.strictEqual(writer.bufferedGids, 50)
    vi.advanceTimersByTime(1)
    assert.strictEqual(writer.bufferedGids, 0)
    assert.deepStrictEqual(kept, [50, 0])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("retries after a failure with growing delays, and reports it", () => {
    vi.useFakeTimers()
    const writer = pretended()
    const told: Array<unknown> = []
    const indexing = new IndexScheduler(
      writer,
      { entries: 10, gids: 0, idle: 100 },
      { failed: (cause) => told.push(cause), rebuilt: failing }
    )
    writer.fails = new Error("inconsistent")
    writer.unindexed = 10
    indexing.afterTransaction()
    for (const [unindexed, attempts] of [
      [11, 1],
      [19, 1],
      [20, 2],
      [39, 2],
      [40, 3]
    ] as const) {
      writer.unindexed = unindexed
      indexing.afterTransaction()
      assert.strictEqual(writer.asked.length, attempts)
    }
    vi.advanceTimersByTime(3_999)
    assert.strictEqual(writer.asked.length, 3)
    vi.advanceTimersByTime(1)
    assert.strictEqual(writer.asked.length, 4)
    assert.deepStrictEqual(
      told,
      Array.from({ length: 4 }, () => writer.fails)
    )
    vi.advanceTimersByTime(3_600_000)
    assert.isBelow(writer.asked.length, 20)
    writer.fails = undefined
    vi.advanceTimersByTime(600_000)
    assert.strictEqual(writer.unindexed, 0)
    writer.unindexed = 10
    indexing.afterTransaction()
    assert.strictEqual(writer.unindexed, 0)
    indexing.end()
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("does not report a lock held by another process", () => {
    vi.useFakeTimers()
    const writer = pretended()
    const indexing = new IndexScheduler(writer, DEFAULT_POLICY, none)
    writer.fails = Object.assign(new Error("database is locked"), { errcode: 5 })
    writer.unindexed = 1
    indexing.now()
    writer.fails = undefined
    vi.advanceTimersByTime(1_000)
    assert.strictEqual(writer.unindexed, 0)
  })
})
