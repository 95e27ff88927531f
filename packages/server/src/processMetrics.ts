/** Metrics of the process: memory, CPU time and delays of the event loop. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { Metric } from "@parley/core/Metrics"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Milliseconds between two measurements of the event loop, which Node adds to each measured delay. */
const RESOLUTION = 20

/** Seconds of a value in nanoseconds; 0 before the first measurement. */
const delay = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000) || 0

const read = (loop: ReturnType<typeof monitorEventLoopDelay>): ReadonlyArray<Metric> => {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return [
    {
      name: "parley_event_loop_delay_seconds",
      type: "gauge",
      help: "Delay of timers by work of the event loop since the start, by quantile.",
      samples: [
        ['{quantile="0.5"}', delay(loop.percentile(50))],
        ['{quantile="0.99"}', delay(loop.percentile(99))],
        ['{quantile="1"}', delay(loop.max)]
      ]
    },
    {
      name: "process_resident_memory_bytes",
      type: "gauge",
      help: "Memory of the process, in bytes.",
      samples: [["", rss]]
    },
    {
      name: "parley_heap_used_bytes",
      type: "gauge",
      help: "Memory of JavaScript objects, in bytes.",
      samples: [["", heapUsed]]
    },
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "CPU time of the process, in seconds.",
      samples: [["", (user + system) / 1e6]]
    }
  ]
}

/** Returns a function that reads the metrics; the event loop is measured until the scope closes. */
export const processMetrics: Effect.Effect<() => ReadonlyArray<Metric>, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const loop = monitorEventLoopDelay({ resolution: RESOLUTION })
      loop.enable()
      return loop
    }),
    (loop) => Effect.sync(() => loop.disable())
  ),
  (loop) => () => read(loop)
)
