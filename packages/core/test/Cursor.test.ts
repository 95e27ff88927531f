import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ChatId, UserId } from "@parley/core/Ids"
import { mergeCursors, MAX_ACKED, type Cursor } from "@parley/core/Cursor"

const seq = fc.integer({ min: 0, max: 60 })

/** A place as a store keeps it: acknowledged ones ascending, above the floor. */
const cursor: fc.Arbitrary<Cursor> = fc
  .record({ pushed: seq, delivered: seq, acked: fc.uniqueArray(seq, { maxLength: 20 }), read: seq })
  .map((parts) => {
    const raw: Cursor = { chat: ChatId(1), user: UserId(1), device: "", ...parts }
    return mergeCursors(raw, raw)
  })

/** All entries that the cursor counts as acknowledged. */
const acknowledged = (one: Cursor, upTo: number): ReadonlyArray<number> =>
  Array.from({ length: upTo }, (_, n) => n + 1).filter((n) => n <= one.delivered || one.acked.includes(n))

describe("merged cursors", () => {
  it("never move back in any part", () => {
    fc.assert(
      fc.property(cursor, cursor, (a, b) => {
        const both = mergeCursors(a, b)
        for (const one of [a, b]) {
          assert.isTrue(both.pushed >= one.pushed && both.delivered >= one.delivered && both.read >= one.read)
          const now = new Set(acknowledged(both, 60))
          assert.isTrue(acknowledged(one, 60).every((n) => now.has(n)))
        }
      })
    )
  })

  it("are the same in any order, repetition and grouping", () => {
    fc.assert(
      fc.property(cursor, cursor, cursor, (a, b, c) => {
        assert.deepStrictEqual(mergeCursors(a, b), mergeCursors(b, a))
        assert.deepStrictEqual(mergeCursors(mergeCursors(a, b), c), mergeCursors(a, mergeCursors(b, c)))
        assert.deepStrictEqual(mergeCursors(a, a), a)
        assert.deepStrictEqual(mergeCursors(mergeCursors(a, b), b), mergeCursors(a, b))
      })
    )
  })

  it("acknowledge only entries that one of them acknowledges", () => {
    fc.assert(
      fc.property(cursor, cursor, (a, b) => {
        const either = new Set([...acknowledged(a, 60), ...acknowledged(b, 60)])
        assert.isTrue(acknowledged(mergeCursors(a, b), 60).every((n) => either.has(n)))
      })
    )
  })

  it("keep a bounded number of acknowledgements, the oldest, ascending", () => {
    const far: Cursor = {
      chat: ChatId(1),
      user: UserId(1),
      device: "",
      pushed: 0,
      delivered: 1,
      acked: Array.from({ length: MAX_ACKED + 10 }, (_, n) => MAX_ACKED + 20 - n),
      read: 0
    }
    assert.deepStrictEqual(
      mergeCursors(far, far).acked,
      Array.from({ length: MAX_ACKED }, (_, n) => n + 11)
    )
  })
})
