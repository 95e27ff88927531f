/** Metrics of the engine in the text format of Prometheus, read from plain counts when they are asked for. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Credentials } from "../auth/Credentials.ts"
import { Hub } from "../delivery/Hub.ts"
import { COMMIT_SECONDS, CommitCounts } from "../engine/CommitCounts.ts"
import { StorageHealth } from "../engine/StorageHealth.ts"
import { Acceptor } from "../session/Acceptor.ts"

/** One metric: its name, meaning and samples. */
export interface Metric {
  /** Name in snake case, with its unit: `parley_commit_seconds`. */
  readonly name: string
  /** Type by the text format of Prometheus. */
  readonly type: "counter" | "gauge" | "histogram"
  /** Meaning in one sentence. */
  readonly help: string
  /** Values, each with the rest of its series' name: `""`, `{reason="timeout"}`, `_bucket{le="1"}`. */
  readonly samples: ReadonlyArray<readonly [series: string, value: number]>
}

/** Returns the samples of a histogram. `counts` has one count for each bound, and one for what is above all of them. */
const histogram = (bounds: ReadonlyArray<number>, counts: ReadonlyArray<number>, sum: number): Metric["samples"] => {
  let total = 0
  const buckets = counts.map((count, index) => {
    total += count
    return [`_bucket{le="${bounds[index] ?? "+Inf"}"}`, total] as const
  })
  return [...buckets, ["_sum", sum], ["_count", total]]
}

/**
 * Returns metrics in the text format. Source: Prometheus, "Exposition formats", text-based format, version 0.0.4. Help and
 * series must have no line breaks, and help no backslashes.
 */
export const formatMetrics = (metrics: ReadonlyArray<Metric>): string =>
  metrics
    .map(({ name, type, help, samples }) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(([series, value]) => `${name}${series} ${value}`)
      ]
        .map((line) => `${line}\n`)
        .join("")
    )
    .join("")

/** Metrics of the engine. */
export class Metrics extends Context.Service<
  Metrics,
  {
    /** Returns the present values. No label has values that clients choose. */
    readonly read: () => ReadonlyArray<Metric>
  }
>()("@parley/core/Metrics") {
  /** The metrics of the engine of the same scope. */
  static readonly layer: Layer.Layer<Metrics, never, Acceptor | CommitCounts | Credentials | Hub | StorageHealth> =
    Layer.effect(
      Metrics,
      Effect.gen(function* () {
        const { connections } = yield* Acceptor
        const commits = yield* CommitCounts
        const { failures } = yield* Credentials
        const hub = yield* Hub
        const storage = yield* StorageHealth
        return Metrics.of({
          read: () => [
            {
              name: "parley_connections",
              type: "gauge",
              help: "Open connections, with a user or without.",
              samples: [["", connections.open]]
            },
            {
              name: "parley_connections_accepted_total",
              type: "counter",
              help: "Connections that were accepted or rejected.",
              samples: [["", connections.accepted]]
            },
            {
              name: "parley_connections_rejected_total",
              type: "counter",
              help: "Connections that the engine closed for a limit, by reason.",
              samples: Object.entries(connections.rejected).map(([reason, count]) => [`{reason="${reason}"}`, count])
            },
            {
              name: "parley_sessions",
              type: "gauge",
              help: "Connections with a user.",
              samples: [["", hub.size]]
            },
            {
              name: "parley_login_failures_total",
              type: "counter",
              help: "Logins that were refused, by reason.",
              samples: Object.entries(failures).map(([reason, count]) => [`{reason="${reason}"}`, count])
            },
            {
              name: "parley_fast_messages_total",
              type: "counter",
              help: "Messages that were handed to the store without running a command.",
              samples: [["", commits.fast]]
            },
            {
              name: "parley_commits_total",
              type: "counter",
              help: "Commits of commands, by result.",
              samples: [
                ['{result="Success"}', commits.succeeded],
                ...Object.entries(commits.failed).map(([tag, count]) => [`{result="${tag}"}`, count] as const)
              ]
            },
            {
              name: "parley_commit_writes_total",
              type: "counter",
              help: "Writes of successful commits of commands.",
              samples: [["", commits.writes]]
            },
            {
              name: "parley_commit_seconds",
              type: "histogram",
              help: "Time until a commit is durable, of all commands and of one in 16 fast messages.",
              samples: histogram(COMMIT_SECONDS, commits.durations, commits.seconds)
            },
            {
              name: "parley_storage_working",
              type: "gauge",
              help: "1 while storage accepts writes, otherwise 0.",
              samples: [["", storage.status() === "working" ? 1 : 0]]
            }
          ]
        })
      })
    )
}
