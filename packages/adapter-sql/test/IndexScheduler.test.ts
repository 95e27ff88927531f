/** When the log's indexes are brought up to it. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { IndexScheduler, type IndexEvents, DEFAULT_POLICY } from "../src/internal/log-index/IndexScheduler.ts"

const failing = (cause: unknown): never => assert.fail(String(cause))
const none: IndexEvents = { failed: failing, rebuilt: failing }

/** Writing that has so many entries to index, and takes them as asked; `fails` is thrown instead while there is any. */
const pretended = () => {
  const writing = {
    unindexed: 0,
    waiting: 0,
    asked: new Array<number>(),
    fails: undefined as unknown,
    index(this: void, most = Infinity) {
      writing.asked.push(most)
      if (writing.fails !== undefined) throw writing.fails
      writing.unindexed = Math.max(0, writing.unindexed - most)
    }
  }
  return writing
}

describe("indexing", () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it("waits for enough entries, or for nothing to come any more", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const indexing = new IndexScheduler(writing, { entries: 10, gids: 0, idle: 100 }, none)
    writing.unindexed = 9
    indexing.answered()
    vi.advanceTimersByTime(99)
    indexing.answered()
    vi.advanceTimersByTime(99)
    assert.deepStrictEqual(writing.asked, [])
    vi.advanceTimersByTime(1)
    assert.strictEqual(writing.unindexed, 0)
    writing.unindexed = 10
    indexing.answered()
    assert.strictEqual(writing.unindexed, 0)
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("takes as many entries as are done in a twentieth of a second, but never falls behind", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const { index } = writing
    const slow = {
      get unindexed() {
        return writing.unindexed
      },
      waiting: 0,
      index(most = Infinity) {
        const before = writing.unindexed
        index(most)
        vi.advanceTimersByTime((before - writing.unindexed) / 10)
      }
    }
    const indexing = new IndexScheduler(slow, { entries: 4096, gids: 0, idle: 100 }, none)
    for (const [unindexed, left] of [
      [4096, 0],
      [4096, 3596],
      [4095, 4095],
      [6000, 4096]
    ] as const) {
      writing.unindexed = unindexed
      indexing.answered()
      assert.strictEqual(writing.unindexed, left)
    }
    vi.advanceTimersByTime(100_000)
    assert.strictEqual(writing.unindexed, 0)
    assert.deepStrictEqual(writing.asked.slice(0, 4), [8192, 500, 1904, 500])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("takes as many as are done in that time, though it is gids that take the time", () => {
    vi.useFakeTimers()
    const writing = { ...pretended(), waiting: 30_000, most: new Array<number>() }
    const indexing = new IndexScheduler(
      Object.assign(writing, {
        index: (most = Infinity, keep = 0) => {
          writing.most.push(most)
          writing.unindexed = 0
          const many = Math.min(most, Math.max(0, writing.waiting - keep))
          writing.waiting -= many
          vi.advanceTimersByTime(many / 20)
        }
      }),
      { entries: 8192, gids: 32_768, idle: 100 },
      none
    )
    writing.unindexed = 8192
    indexing.answered()
    vi.advanceTimersByTime(10_000)
    assert.strictEqual(writing.waiting, 0)
    assert.deepStrictEqual(writing.most.slice(0, 4), [8192, 8192, 1000, 1000])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("lets gids wait for each other while messages come, and for nothing once none come", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const kept: Array<number | undefined> = []
    const indexing = new IndexScheduler(
      {
        get unindexed() {
          return writing.unindexed
        },
        get waiting() {
          return writing.waiting
        },
        index(most, keep = 0) {
          kept.push(keep)
          writing.waiting = keep
          writing.index(most)
        }
      },
      { entries: 10, gids: 50, idle: 100 },
      none
    )
    writing.unindexed = 10
    writing.waiting = 60
    indexing.answered()
    assert.deepStrictEqual([writing.unindexed, writing.waiting], [0, 50])
    vi.advanceTimersByTime(99)
    assert.strictEqual(writing.waiting, 50)
    vi.advanceTimersByTime(1)
    assert.strictEqual(writing.waiting, 0)
    assert.deepStrictEqual(kept, [50, 0])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("that fails is tried again, ever less often, and tells why", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const told: Array<unknown> = []
    const indexing = new IndexScheduler(
      writing,
      { entries: 10, gids: 0, idle: 100 },
      { failed: (cause) => told.push(cause), rebuilt: failing }
    )
    writing.fails = new Error("at odds")
    writing.unindexed = 10
    indexing.answered()
    for (const [unindexed, attempts] of [
      [11, 1],
      [19, 1],
      [20, 2],
      [39, 2],
      [40, 3]
    ] as const) {
      writing.unindexed = unindexed
      indexing.answered()
      assert.strictEqual(writing.asked.length, attempts)
    }
    vi.advanceTimersByTime(3_999)
    assert.strictEqual(writing.asked.length, 3)
    vi.advanceTimersByTime(1)
    assert.strictEqual(writing.asked.length, 4)
    assert.deepStrictEqual(
      told,
      Array.from({ length: 4 }, () => writing.fails)
    )
    vi.advanceTimersByTime(3_600_000)
    assert.isBelow(writing.asked.length, 20)
    writing.fails = undefined
    vi.advanceTimersByTime(600_000)
    assert.strictEqual(writing.unindexed, 0)
    writing.unindexed = 10
    indexing.answered()
    assert.strictEqual(writing.unindexed, 0)
    indexing.end()
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("tells nobody that the database was held by somebody else", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const indexing = new IndexScheduler(writing, DEFAULT_POLICY, none)
    writing.fails = Object.assign(new Error("database is locked"), { errcode: 5 })
    writing.unindexed = 1
    indexing.now()
    writing.fails = undefined
    vi.advanceTimersByTime(1_000)
    assert.strictEqual(writing.unindexed, 0)
  })
})
