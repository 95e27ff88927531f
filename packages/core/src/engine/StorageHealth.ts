/**
 * Whether the storage takes writes, as the results of commits say: `/readyz` reads it, and the log has one line when
 * commits begin to fail, one a minute with their number, and one when they succeed again.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LogThrottle } from "../logging/LogThrottle.ts"
import { type StorageFailed, Store, type WriteBatch } from "../ports/Store.ts"

export type StorageStatus = "working" | "failing"

/** Milliseconds between two probes, at least. */
const PROBE_INTERVAL = 1000

/** Milliseconds that one look may take: a busy storage is not a failing one. */
const PROBE_TIMEOUT = 2000

/** A record that is written to learn whether a failing storage works again. */
const PROBE = { dialect: "parley", kind: "probe", key: "storage" } as const

export class StorageHealth extends Context.Service<
  StorageHealth,
  {
    /** What the latest result says. */
    readonly status: () => StorageStatus
    /** A write failed: for commits, and for stores that notice by themselves that they cannot write any more. */
    readonly failed: (cause: StorageFailed) => void
    /** A write succeeded. */
    readonly succeeded: () => void
    /**
     * The status, after looking again: it asks the store's own `check`, and writes a small record while commits fail. At
     * most one look a second; others get what the last one found.
     */
    readonly refresh: Effect.Effect<StorageStatus>
  }
>()("@parley/core/StorageHealth") {
  static readonly layer: Layer.Layer<StorageHealth, never, Store> = Layer.effect(
    StorageHealth,
    Effect.gen(function* () {
      const store = yield* Store
      const clock = yield* Clock.Clock
      const throttle = yield* LogThrottle
      const { check = Effect.void } = store
      let status: StorageStatus = "working"
      let failures = 0
      let since = 0
      let looked = -Infinity

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
          // A record that is put anew is neither stale nor there already.
          Effect.andThen(
            Effect.catchTags(store.commit(batch), { VersionConflict: () => Effect.void, Duplicate: () => Effect.void })
          ),
          Effect.tap(() => Effect.sync(succeeded))
        )
      })
      const refresh = Effect.suspend((): Effect.Effect<StorageStatus> => {
        const now = clock.currentTimeMillisUnsafe()
        if (now - looked < PROBE_INTERVAL) return Effect.succeed(status)
        looked = now
        return probe.pipe(
          Effect.timeoutOption(PROBE_TIMEOUT),
          Effect.catch((cause) => Effect.sync(() => failed(cause))),
          Effect.andThen(Effect.sync(() => status))
        )
      })
      return StorageHealth.of({ status: () => status, failed, succeeded, refresh })
    })
  )
}

/** The store with the results of its commits reported. */
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
