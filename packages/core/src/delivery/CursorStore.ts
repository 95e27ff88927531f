/**
 * Write-behind store of the cursors of connected sessions: acknowledgements are batched, since a redelivery is allowed
 * and a loss is not. Cursors of a session that ends are written immediately. Reads merge pending and stored cursors.
 */
import { logStorageFailure } from "../ports/StorageErrors.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ChatId, UserId } from "../model/Ids.ts"
import { mergeCursors, type Cursor } from "../model/Cursor.ts"
import { Settings } from "../ports/Settings.ts"
import { type StorageFailed, Store } from "../ports/Store.ts"
import type { Subscription } from "./Subscriber.ts"

/** Maximum number of cursors per commit. */
const BATCH_SIZE = 500

/** Cursors of devices, written behind. */
export class CursorStore extends Context.Service<
  CursorStore,
  {
    /** Schedules a write of this subscription's cursor. Neither waits nor fails. */
    readonly touch: (subscription: Subscription) => void
    /** Immediately writes the cursor of a subscription whose session has ended. */
    readonly release: (subscription: Subscription) => void
    /** Returns the cursors of one device, by chat. */
    readonly of: (user: UserId, device: string) => Effect.Effect<ReadonlyMap<ChatId, Cursor>, StorageFailed>
    /** Returns the cursors of all devices of a user in one chat. */
    readonly in: (chat: ChatId, user: UserId) => Effect.Effect<ReadonlyArray<Cursor>, StorageFailed>
    /** Writes all pending cursors. */
    readonly flush: Effect.Effect<void>
  }
>()("@parley/core/CursorStore") {
  /** The service, on the store of the same scope. Its end writes what waits. */
  static readonly layer: Layer.Layer<CursorStore, never, Store> = Layer.effect(
    CursorStore,
    Effect.gen(function* () {
      const store = yield* Store
      const { acknowledgeDelay } = yield* Settings
      const scope = yield* Effect.scope
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const dirty = new Set<Subscription>()
      /** Pending cursors by user, then by chat and device. */
      const pending = new Map<UserId, Map<string, Cursor>>()
      let isScheduled = false

      const addPending = (cursor: Cursor): void => {
        const own = pending.get(cursor.user) ?? new Map<string, Cursor>()
        const key = `${cursor.chat}/${cursor.device}`
        const before = own.get(key)
        own.set(key, before === undefined ? cursor : mergeCursors(before, cursor))
        pending.set(cursor.user, own)
      }

      const collect = (): void => {
        for (const subscription of dirty) if (subscription.takeChanged()) addPending(subscription.cursor)
        dirty.clear()
      }

      const flush: Effect.Effect<void> = Effect.gen(function* () {
        collect()
        const cursors = [...pending.values()].flatMap((own) => [...own.values()])
        for (let start = 0; start < cursors.length; start += BATCH_SIZE) {
          const batch = cursors.slice(start, start + BATCH_SIZE)
          yield* store.commit({ expectedVersions: [], writes: batch.map((cursor) => ({ _tag: "MoveCursor", cursor })) })
          for (const cursor of batch) {
            const own = pending.get(cursor.user)
            const key = `${cursor.chat}/${cursor.device}`
            if (own?.get(key) === cursor) own.delete(key)
            if (own?.size === 0) pending.delete(cursor.user)
          }
        }
      }).pipe(
        Effect.catch((failed) =>
          // They stay in memory, and are written with the next batch.
          logStorageFailure("cursors could not be written", failed)
        )
      )

      const schedule = (): void => {
        if (isScheduled) return
        isScheduled = true
        const later = Effect.sleep(acknowledgeDelay).pipe(
          Effect.andThen(
            Effect.sync(() => {
              isScheduled = false
            })
          ),
          Effect.andThen(flush)
        )
        fork(Effect.forkIn(later, scope))
      }

      let isFlushing = false
      let isRequested = false
      /** Flushes without delay; cursors added during a write are written together after it. */
      const flushSoon = (): void => {
        isRequested = true
        if (isFlushing) return
        isFlushing = true
        const all = Effect.gen(function* () {
          // Other sessions may end in the same turn.
          yield* Effect.yieldNow
          while (isRequested) {
            isRequested = false
            yield* flush
          }
        })
        fork(
          Effect.forkIn(
            Effect.ensuring(
              all,
              Effect.sync(() => {
                isFlushing = false
              })
            ),
            scope
          )
        )
      }

      yield* Effect.addFinalizer(() => flush)

      const merge = (stored: ReadonlyArray<Cursor>, newer: Iterable<Cursor>): ReadonlyArray<Cursor> => {
        const merged = new Map(stored.map((cursor) => [`${cursor.chat}/${cursor.device}`, cursor]))
        for (const cursor of newer) {
          const key = `${cursor.chat}/${cursor.device}`
          const before = merged.get(key)
          merged.set(key, before === undefined ? cursor : mergeCursors(before, cursor))
        }
        return [...merged.values()]
      }

      const pendingOf = (user: UserId, wanted: (cursor: Cursor) => boolean): ReadonlyArray<Cursor> => {
        collect()
        return [...(pending.get(user)?.values() ?? [])].filter(wanted)
      }

      return CursorStore.of({
        touch: (subscription) => {
          dirty.add(subscription)
          schedule()
        },
        release: (subscription) => {
          dirty.delete(subscription)
          if (!subscription.takeChanged()) return
          addPending(subscription.cursor)
          flushSoon()
        },
        of: Effect.fnUntraced(function* (user, device) {
          const stored = yield* store.cursorsOf(user, device)
          const merged = merge(
            stored,
            pendingOf(user, (cursor) => cursor.device === device)
          )
          return new Map(merged.map((cursor) => [cursor.chat, cursor]))
        }),
        in: Effect.fnUntraced(function* (chat, user) {
          const stored = yield* store.cursorsIn(chat, [user])
          return merge(
            stored,
            pendingOf(user, (cursor) => cursor.chat === chat)
          )
        }),
        flush
      })
    })
  )
}
