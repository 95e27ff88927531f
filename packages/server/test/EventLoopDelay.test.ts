/** Delays of the event loop over a sliding window. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { createHistogram, type RecordableHistogram } from "node:perf_hooks"
import { eventLoopDelay } from "../src/eventLoopDelay.ts"

describe("eventLoopDelay", () => {
  it.effect("reports a long delay for one to two minutes, and then no longer", () =>
    Effect.gen(function* () {
      const histograms: Array<RecordableHistogram> = []
      const read = yield* eventLoopDelay(
        Effect.sync(() => {
          const histogram = createHistogram()
          histograms.push(histogram)
          return histogram
        })
      )
      const record = (milliseconds: number): void => histograms.forEach((each) => each.record(milliseconds * 1e6))
      const delays = (): ReadonlyArray<number> =>
        read().map(({ samples }) => Math.round((samples[0]?.[1] ?? NaN) * 100) / 100)
      assert.deepStrictEqual(delays(), [0, 0, 0])
      for (let index = 0; index < 999; index++) record(120)
      record(3020)
      assert.deepStrictEqual(delays(), [0.1, 0.1, 3])
      assert.deepStrictEqual(delays(), [0.1, 0.1, 3])
      yield* TestClock.adjust("1 minute")
      record(220)
      assert.deepStrictEqual(delays(), [0.1, 0.1, 3])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(delays(), [0.2, 0.2, 0.2])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(delays(), [0, 0, 0])
    }).pipe(Effect.scoped)
  )
})
