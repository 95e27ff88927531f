/**
 * Health of the storage, by the results of its commits. `/readyz` reads it; the log has one line when commits begin to
 * fail, one per minute with their number, and one when they succeed again.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Fence } from "../ports/Fence.ts"
import { LogThrottle } from "../logging/LogThrottle.ts"
import { type StorageFailed, Store, type WriteBatch } from "../ports/Store.ts"

/**
 * `failing` from a failed write until the next successful one. `unreachable`: this node is one of several, and has not reached their
 * storage for five seconds; until it does, it refuses reads as well as writes.
 */
export type StorageStatus = "working" | "failing" | "unreachable"

/** Minimum interval between two probes, in milliseconds. */
const PROBE_INTERVAL_MS = 1000

/** Timeout of one probe in milliseconds: a busy storage is not a failing one. */
const PROBE_TIMEOUT_MS = 2000

/** Record that is written to probe a failing storage. */
const PROBE = { dialect: "parley", kind: "probe", key: "storage" } as const

/** Health of the storage, by the results of its writes. */
export class StorageHealth extends Context.Service<
  StorageHealth,
  {
    /** Status by the latest result. */
    readonly status: () => StorageStatus
    /** Reports a failed write: of a commit, or detected by the store itself. */
    readonly failed: (cause: StorageFailed) => void
    /** Reports a successful write. */
    readonly succeeded: () => void
    /**
     * Probes the storage and returns the status: calls the store's own `check`, and writes a small record while commits
     * fail. At most one probe per second; other callers get the last result.
     */
    readonly refresh: Effect.Effect<StorageStatus>
  }
>()("@parley/core/StorageHealth") {
  /** The service, which observes the store of the same scope. */
  static readonly layer: Layer.Layer<StorageHealth, never, Store | Fence> = Layer.effect(
    StorageHealth,
    Effect.gen(function* () {
      const store = yield* Store
      const fence = yield* Fence
      const clock = yield* Clock.Clock
      const throttle = yield* LogThrottle
      const { check = Effect.void } = store
      let status: "working" | "failing" = "working"
      let failures = 0
      let since = 0
      let probedAt = -Infinity

      const failed = (cause: StorageFailed): void => {
        if (status === "working") {
          status = "failing"
          failures = 0
          since = clock.currentTimeMillisUnsafe()
        }
        failures++
        throttle.note({ key: "storage failing", level: "Error", message: "storage failing: writes are refused", cause })
      }
      const succeeded = (): void => {
        if (status === "working") return
        status = "working"
        const seconds = Math.round((clock.currentTimeMillisUnsafe() - since) / 1000)
        throttle.note({
          key: "storage recovered",
          level: "Info",
          message: "storage recovered: writes succeed again",
          details: { failures, seconds }
        })
      }
      const probe = Effect.suspend((): Effect.Effect<unknown, StorageFailed> => {
        if (status === "working") return check
        const record = { ...PROBE, value: clock.currentTimeMillisUnsafe() }
        const batch: WriteBatch = { expectedVersions: [], writes: [{ _tag: "PutRecord", record }] }
        return check.pipe(
          // An overwritten record neither conflicts nor is a duplicate.
          Effect.andThen(
            Effect.catchTags(store.commit(batch), { VersionConflict: () => Effect.void, Duplicate: () => Effect.void })
          ),
          Effect.tap(() => Effect.sync(succeeded))
        )
      })
      const current = (): StorageStatus => (fence.isClosed ? "unreachable" : status)
      const refresh = Effect.suspend((): Effect.Effect<StorageStatus> => {
        const now = clock.currentTimeMillisUnsafe()
        if (now - probedAt < PROBE_INTERVAL_MS) return Effect.succeed(current())
        probedAt = now
        return probe.pipe(
          Effect.timeoutOption(PROBE_TIMEOUT_MS),
          Effect.catch((cause) => Effect.sync(() => failed(cause))),
          Effect.andThen(Effect.sync(current))
        )
      })
      return StorageHealth.of({ status: current, failed, succeeded, refresh })
    })
  )
}

/** Wraps the store so that results of its commits are reported. */
export const watchStore: Layer.Layer<Store, never, Store | StorageHealth> = Layer.effect(
  Store,
  Effect.gen(function* () {
    const store = yield* Store
    const { failed, succeeded } = yield* StorageHealth
    const success = Effect.sync(succeeded)
    return Store.of({
      ...store,
      commit: (batch) =>
        store.commit(batch).pipe(
          Effect.tap(success),
          Effect.tapError((error) => (error._tag === "StorageFailed" ? Effect.sync(() => failed(error)) : Effect.void))
        )
    })
  })
)
