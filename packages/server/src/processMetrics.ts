/** Metrics of the process: delays of the event loop, memory and CPU time. */
import type { Metric } from "@parley/core/Metrics"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { eventLoopDelay } from "./eventLoopDelay.ts"

const read = (): ReadonlyArray<Metric> => {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return [
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
  eventLoopDelay(),
  (delays) => () => [...delays(), ...read()]
)
