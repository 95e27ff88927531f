import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ChatId, UserId } from "@parley/core/Ids"
import { furthest, MAX_ACKED, type Place } from "@parley/core/Cursor"

const seq = fc.integer({ min: 0, max: 60 })

/** A place as a store keeps it: acknowledged ones ascending, above the floor. */
const place: fc.Arbitrary<Place> = fc
  .record({ pushed: seq, delivered: seq, acked: fc.uniqueArray(seq, { maxLength: 20 }), read: seq })
  .map((parts) => {
    const raw: Place = { chat: ChatId(1), user: UserId(1), device: "", ...parts }
    return furthest(raw, raw)
  })

/** Everything that the place says was acknowledged. */
const acknowledged = (one: Place, upTo: number): ReadonlyArray<number> =>
  Array.from({ length: upTo }, (_, n) => n + 1).filter((n) => n <= one.delivered || one.acked.includes(n))

describe("places", () => {
  it("never go back in any part", () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const both = furthest(a, b)
        for (const one of [a, b]) {
          assert.isTrue(both.pushed >= one.pushed && both.delivered >= one.delivered && both.read >= one.read)
          const now = new Set(acknowledged(both, 60))
          assert.isTrue(acknowledged(one, 60).every((n) => now.has(n)))
        }
      })
    )
  })

  it("come to the same whichever was first, however often and however grouped", () => {
    fc.assert(
      fc.property(place, place, place, (a, b, c) => {
        assert.deepStrictEqual(furthest(a, b), furthest(b, a))
        assert.deepStrictEqual(furthest(furthest(a, b), c), furthest(a, furthest(b, c)))
        assert.deepStrictEqual(furthest(a, a), a)
        assert.deepStrictEqual(furthest(furthest(a, b), b), furthest(a, b))
      })
    )
  })

  it("take nothing for acknowledged that neither says", () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const either = new Set([...acknowledged(a, 60), ...acknowledged(b, 60)])
        assert.isTrue(acknowledged(furthest(a, b), 60).every((n) => either.has(n)))
      })
    )
  })

  it("keep a bounded number of acknowledged ones, the oldest, ascending", () => {
    const far: Place = {
      chat: ChatId(1),
      user: UserId(1),
      device: "",
      pushed: 0,
      delivered: 1,
      acked: Array.from({ length: MAX_ACKED + 10 }, (_, n) => MAX_ACKED + 20 - n),
      read: 0
    }
    assert.deepStrictEqual(
      furthest(far, far).acked,
      Array.from({ length: MAX_ACKED }, (_, n) => n + 11)
    )
  })
})
