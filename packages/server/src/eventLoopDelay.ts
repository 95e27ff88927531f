/** Delays of the event loop over a sliding window. */
import { monitorEventLoopDelay, type Histogram } from "node:perf_hooks"
import type { Metric } from "@parley/core/Metrics"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

/** Milliseconds between two measurements of the event loop, which Node adds to each measured delay. */
const RESOLUTION = 20

/** A window covers at least this time, and at most twice this time. */
const WINDOW = "1 minute"

/** Seconds of a value in nanoseconds; 0 before the first measurement. */
const delay = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000) || 0

/** The event loop of this process, measured until the scope closes. */
const monitor: Effect.Effect<Histogram, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const loop = monitorEventLoopDelay({ resolution: RESOLUTION })
    loop.enable()
    return loop
  }),
  (loop) => Effect.sync(() => void loop.disable())
)

/**
 * Returns a function that reads the delays. `histogram` makes one that measures in nanoseconds. Two of them measure all the
 * time; each minute the one with more measurements begins anew, and the other one is read. Reading changes nothing, so that
 * several programs can read.
 */
export const eventLoopDelay = Effect.fnUntraced(function* (
  histogram: Effect.Effect<Histogram, never, Scope.Scope> = monitor
): Effect.fn.Return<() => ReadonlyArray<Metric>, never, Scope.Scope> {
  let older = yield* histogram
  let newer = yield* histogram
  yield* Effect.sync(() => {
    older.reset()
    ;[older, newer] = [newer, older]
  }).pipe(Effect.schedule(Schedule.spaced(WINDOW)), Effect.forkScoped)
  return () => [
    {
      name: "parley_event_loop_delay_p50_seconds",
      type: "gauge",
      help: "Median delay of the event loop in the last one to two minutes.",
      samples: [["", delay(older.percentile(50))]]
    },
    {
      name: "parley_event_loop_delay_p99_seconds",
      type: "gauge",
      help: "99th percentile of the event loop's delays in the last one to two minutes.",
      samples: [["", delay(older.percentile(99))]]
    },
    {
      name: "parley_event_loop_delay_max_seconds",
      type: "gauge",
      help: "Longest delay of the event loop in the last one to two minutes.",
      samples: [["", delay(older.max)]]
    }
  ]
})
