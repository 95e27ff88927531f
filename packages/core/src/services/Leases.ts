/**
 * Leases: work that one node at a time does, such as the delivery of an outbox. A lease is a record with the node that holds it, written when it
 * is taken and when it is released. It is valid as long as that node is live, so holding one costs nothing.
 *
 * A holder that cannot reach the store stops when it is fenced, which is before the others count it as dead. Only a process that was suspended
 * may still work for a moment after another one has begun: the work must bear being done twice.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { Hub } from "../delivery/Hub.ts"
import { Engine } from "../engine/Engine.ts"
import { Fence } from "../ports/Fence.ts"
import { logStorageFailure } from "../ports/StorageErrors.ts"
import { type DialectRecord, type StorageFailed, Store, type Write } from "../ports/Store.ts"

const DIALECT = "parley"
const KIND = "lease"
/** Milliseconds between two checks of the live nodes, which are in memory. */
const CHECK_MS = 500
/**
 * Milliseconds for which the holder must have been absent: after a crash of the database its nodes are live again as soon as
 * they have renewed their leases.
 */
const ABSENCE_MS = 3000

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

interface LeaseValue {
  /** The node that holds it. */
  readonly owner: string
  /** Increased each time it is taken, so that a takeover on the basis of an older one conflicts. */
  readonly term: number
}

/** Work that one node at a time does. */
export class Leases extends Context.Service<
  Leases,
  {
    /**
     * Runs the work while this node holds the lease of this name: waits until no live node holds it, interrupts the work if the lease is
     * lost, and then waits again. The lease is released when the work has ended. An engine that is the only one on its store runs the work at once.
     */
    readonly hold: <A, E, R>(name: string, work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
>()("@parley/core/Leases") {
  /** The service, on the store and the nodes of the same scope. */
  static readonly layer: Layer.Layer<Leases, never, Engine | Fence | Hub | Store> = Layer.effect(
    Leases,
    Effect.gen(function* () {
      const engine = yield* Engine
      const fence = yield* Fence
      const hub = yield* Hub
      const store = yield* Store
      const clock = yield* Clock.Clock
      const now = (): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

      const read = (name: string): Effect.Effect<LeaseValue | undefined, StorageFailed> =>
        Effect.map(store.record(DIALECT, KIND, name), (found) => found?.value as LeaseValue | undefined)

      /** Leases that this process works under. */
      const inUse = new Set<string>()

      /** Replaces a value; returns false if it has changed. */
      const replace = (
        name: string,
        from: LeaseValue | undefined,
        to: LeaseValue | undefined
      ): Effect.Effect<boolean, StorageFailed> => {
        const record: DialectRecord = { dialect: DIALECT, kind: KIND, key: name, value: to ?? null }
        const writes: ReadonlyArray<Write> = [
          { _tag: "PutRecord", record, expected: from ?? null },
          { _tag: "NoteChange", change: { _tag: "RecordsChanged", dialect: DIALECT, kind: KIND } }
        ]
        return engine
          .commit({ expectedVersions: [], writes })
          .pipe(
            Effect.as(true),
            Effect.catchTags({ VersionConflict: () => Effect.succeed(false), Duplicate: () => Effect.succeed(false) })
          )
      }

      const hold = <A, E, R>(name: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
        Effect.suspend(() => {
          const { nodes } = hub
          if (nodes === undefined) return work
          const { id } = nodes
          const changed = Latch.makeUnsafe(true)
          const nextCheck = Effect.raceFirst(changed.await, Effect.sleep(CHECK_MS))

          /** Waits until the lease is free, and takes it. Returns its value. */
          const acquire = Effect.fnUntraced(function* (restore: Restore): Effect.fn.Return<LeaseValue, StorageFailed> {
            let current: LeaseValue | undefined
            let absentSince = now()
            for (;;) {
              if (fence.isClosed) changed.openUnsafe()
              else if (changed.isOpen()) {
                changed.closeUnsafe()
                current = yield* read(name)
                absentSince = now()
              }
              const live = nodes.live()
              const owner = current?.owner
              if (fence.isClosed || !live.has(id) || (owner !== undefined && live.has(owner))) absentSince = now()
              const isFree = owner === undefined || owner === id || now() - absentSince >= ABSENCE_MS
              if (isFree && live.has(id) && !fence.isClosed && !inUse.has(name)) {
                const mine: LeaseValue = { owner: id, term: (current?.term ?? 0) + 1 }
                inUse.add(name)
                if (yield* Effect.onError(replace(name, current, mine), () => stopUsing)) return mine
                yield* stopUsing
                changed.openUnsafe()
              } else yield* restore(fence.isClosed ? Effect.sleep(CHECK_MS) : nextCheck)
            }
          })
          const stopUsing = Effect.sync(() => inUse.delete(name))

          /** Ends when the lease is lost. */
          const lost = Effect.gen(function* () {
            while (!fence.isClosed) {
              if (changed.isOpen()) {
                changed.closeUnsafe()
                const current = yield* Effect.catch(read(name), () => Effect.succeed({ owner: id }))
                if (current?.owner !== id) return
              }
              yield* nextCheck
            }
          })

          /** A fenced node does not release: if it returns in time, it goes on. */
          const release = (mine: LeaseValue): Effect.Effect<void> =>
            Effect.andThen(
              Effect.suspend(() => (fence.isClosed ? Effect.void : Effect.ignore(replace(name, mine, undefined)))),
              stopUsing
            )

          const again = (failed: StorageFailed): Effect.Effect<undefined> =>
            Effect.as(
              Effect.andThen(logStorageFailure("a lease could not be taken", failed), Effect.sleep(CHECK_MS)),
              undefined
            )

          const held = Effect.uninterruptibleMask((restore) =>
            Effect.gen(function* () {
              for (;;) {
                const mine = yield* Effect.catch(acquire(restore), (failed) => restore(again(failed)))
                if (mine !== undefined) {
                  const done = yield* restore(
                    Effect.raceFirst(
                      Effect.map(work, (result) => ({ result })),
                      Effect.as(lost, undefined)
                    )
                  ).pipe(Effect.ensuring(release(mine)))
                  if (done !== undefined) return done.result
                }
                changed.openUnsafe()
              }
            })
          )
          return Effect.acquireUseRelease(
            Effect.sync(() => engine.onRecordsChanged(DIALECT, KIND, () => changed.openUnsafe())),
            () => held,
            (unwatch) => Effect.sync(unwatch)
          )
        })

      return Leases.of({ hold })
    })
  )
}
