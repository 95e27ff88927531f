/**
 * The places of connected sessions, written behind: acknowledgements are gathered and written together, since a
 * redelivery is allowed and a loss is not. Those of a session that ends are written at once. What is not written yet is in memory, and whoever asks for a place gets the
 * farther of both.
 */
import { logStorageFailure } from "../ports/StorageErrors.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ChatId, UserId } from "../model/Ids.ts"
import { mergeCursors, type Cursor } from "../model/Cursor.ts"
import { Settings } from "../ports/Settings.ts"
import { type StorageFailed, Store } from "../ports/Store.ts"
import type { Subscription } from "./Subscription.ts"

/** Places in one commit, at most. */
const BATCH = 500

export class CursorStore extends Context.Service<
  CursorStore,
  {
    /** This subscription's place will be written soon. Neither waits nor fails. */
    readonly touch: (subscription: Subscription) => void
    /** Its session has ended: takes the place as it is now, and writes it at once. */
    readonly release: (subscription: Subscription) => void
    /** The places of one device, by chat. */
    readonly of: (user: UserId, device: string) => Effect.Effect<ReadonlyMap<ChatId, Cursor>, StorageFailed>
    /** The places of all devices of a user in one chat. */
    readonly in: (chat: ChatId, user: UserId) => Effect.Effect<ReadonlyArray<Cursor>, StorageFailed>
    /** Writes what is not written yet. */
    readonly flush: Effect.Effect<void>
  }
>()("@parley/core/CursorStore") {
  static readonly layer: Layer.Layer<CursorStore, never, Store> = Layer.effect(
    CursorStore,
    Effect.gen(function* () {
      const store = yield* Store
      const { acknowledgeDelay } = yield* Settings
      const scope = yield* Effect.scope
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const touched = new Set<Subscription>()
      /** By user, then by chat and device: what has to be written. */
      const unwritten = new Map<UserId, Map<string, Cursor>>()
      let armed = false

      const keep = (cursor: Cursor): void => {
        const mine = unwritten.get(cursor.user) ?? new Map<string, Cursor>()
        const key = `${cursor.chat}/${cursor.device}`
        const before = mine.get(key)
        mine.set(key, before === undefined ? cursor : mergeCursors(before, cursor))
        unwritten.set(cursor.user, mine)
      }

      const collect = (): void => {
        for (const subscription of touched) if (subscription.takeChanged()) keep(subscription.cursor)
        touched.clear()
      }

      const flush: Effect.Effect<void> = Effect.gen(function* () {
        collect()
        const waiting = [...unwritten.values()].flatMap((mine) => [...mine.values()])
        for (let start = 0; start < waiting.length; start += BATCH) {
          const batch = waiting.slice(start, start + BATCH)
          yield* store.commit({ expectedVersions: [], writes: batch.map((cursor) => ({ _tag: "MoveCursor", cursor })) })
          for (const cursor of batch) {
            const mine = unwritten.get(cursor.user)
            const key = `${cursor.chat}/${cursor.device}`
            if (mine?.get(key) === cursor) mine.delete(key)
            if (mine?.size === 0) unwritten.delete(cursor.user)
          }
        }
      }).pipe(
        Effect.catch((failed) =>
          // They stay in memory, and go with the next batch.
          logStorageFailure("places could not be written", failed)
        )
      )

      const arm = (): void => {
        if (armed) return
        armed = true
        const later = Effect.sleep(acknowledgeDelay).pipe(
          Effect.andThen(
            Effect.sync(() => {
              armed = false
            })
          ),
          Effect.andThen(flush)
        )
        fork(Effect.forkIn(later, scope))
      }

      let writing = false
      let again = false
      /** At once; what comes while that is being written goes together, after it. */
      const hurry = (): void => {
        again = true
        if (writing) return
        writing = true
        const all = Effect.gen(function* () {
          // Others may leave in the same turn.
          yield* Effect.yieldNow
          while (again) {
            again = false
            yield* flush
          }
        })
        fork(
          Effect.forkIn(
            Effect.ensuring(
              all,
              Effect.sync(() => {
                writing = false
              })
            ),
            scope
          )
        )
      }

      yield* Effect.addFinalizer(() => flush)

      const merge = (cursors: ReadonlyArray<Cursor>, fresh: Iterable<Cursor>): ReadonlyArray<Cursor> => {
        const merged = new Map(cursors.map((cursor) => [`${cursor.chat}/${cursor.device}`, cursor]))
        for (const cursor of fresh) {
          const key = `${cursor.chat}/${cursor.device}`
          const before = merged.get(key)
          merged.set(key, before === undefined ? cursor : mergeCursors(before, cursor))
        }
        return [...merged.values()]
      }

      const fresh = (user: UserId, wanted: (cursor: Cursor) => boolean): ReadonlyArray<Cursor> => {
        collect()
        return [...(unwritten.get(user)?.values() ?? [])].filter(wanted)
      }

      return CursorStore.of({
        touch: (subscription) => {
          touched.add(subscription)
          arm()
        },
        release: (subscription) => {
          touched.delete(subscription)
          if (!subscription.takeChanged()) return
          keep(subscription.cursor)
          hurry()
        },
        of: Effect.fnUntraced(function* (user, device) {
          const stored = yield* store.cursorsOf(user, device)
          const merged = merge(
            stored,
            fresh(user, (cursor) => cursor.device === device)
          )
          return new Map(merged.map((cursor) => [cursor.chat, cursor]))
        }),
        in: Effect.fnUntraced(function* (chat, user) {
          const stored = yield* store.cursorsIn(chat, [user])
          return merge(
            stored,
            fresh(user, (cursor) => cursor.chat === chat)
          )
        }),
        flush
      })
    })
  )
}
