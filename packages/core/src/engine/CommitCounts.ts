/** Counts the commits of a store and measures how long they take, in plain numbers that metrics read. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Store } from "../ports/Store.ts"

/** Upper bounds of the histogram of durations, in seconds. */
export const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const

/** One of so many messages of the fast path is measured: a measurement allocates, and these messages do not wait for it. */
const FAST_SAMPLE = 16

/** Counts of commits since the start. */
export class CommitCounts extends Context.Service<
  CommitCounts,
  {
    /** Messages that were handed to the store by the fast path. */
    fast: number
    /** Commits of commands that succeeded. */
    succeeded: number
    /** Writes of these commits. */
    writes: number
    /** Commits of commands that failed, by the error's tag. */
    readonly failed: Record<"VersionConflict" | "Duplicate" | "StorageFailed", number>
    /** Measured commits by duration: one count for each bound of `COMMIT_SECONDS`, then those above all bounds. */
    readonly durations: Array<number>
    /** Sum of the measured durations, in seconds. */
    seconds: number
  }
>()("@parley/core/CommitCounts") {
  /** Counts of zero. */
  static readonly layer: Layer.Layer<CommitCounts> = Layer.sync(CommitCounts, () => ({
    fast: 0,
    succeeded: 0,
    writes: 0,
    failed: { VersionConflict: 0, Duplicate: 0, StorageFailed: 0 },
    durations: Array.from({ length: COMMIT_SECONDS.length + 1 }, () => 0),
    seconds: 0
  }))
}

/** Wraps the store so that its commits are counted. */
export const countCommits: Layer.Layer<Store, never, Store | CommitCounts> = Layer.effect(
  Store,
  Effect.gen(function* () {
    const store = yield* Store
    const counts = yield* CommitCounts
    const clock = yield* Clock.Clock
    const { appendMessage } = store

    const measured = (start: bigint): void => {
      const seconds = Number(clock.monotonicTimeNanosUnsafe() - start) / 1e9
      const found = COMMIT_SECONDS.findIndex((bound) => seconds <= bound)
      const index = found < 0 ? COMMIT_SECONDS.length : found
      counts.durations[index] = (counts.durations[index] ?? 0) + 1
      counts.seconds += seconds
    }
    const commit: Store["Service"]["commit"] = (batch) =>
      Effect.suspend(() => {
        const start = clock.monotonicTimeNanosUnsafe()
        return store.commit(batch).pipe(
          Effect.tapError((error) => Effect.sync(() => void counts.failed[error._tag]++)),
          Effect.onExit((exit) =>
            Effect.sync(() => {
              measured(start)
              if (Exit.isFailure(exit)) return
              counts.succeeded++
              counts.writes += batch.writes.length
            })
          )
        )
      })
    if (appendMessage === undefined) return Store.of({ ...store, commit })
    return Store.of({
      ...store,
      commit,
      appendMessage: (message, onComplete) => {
        if (counts.fast++ % FAST_SAMPLE !== 0) return appendMessage(message, onComplete)
        const start = clock.monotonicTimeNanosUnsafe()
        appendMessage(message, (entry) => {
          measured(start)
          onComplete(entry)
        })
      }
    })
  })
)
