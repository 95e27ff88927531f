/**
 * Offline queue of a member, as clients and embedders see it. It is a view of the chats' logs above the member's
 * cursors; nothing is stored for absent members.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "../engine/Engine.ts"
import { Hub } from "../delivery/Hub.ts"
import type { ChatId, EntryId, UserId } from "../model/Ids.ts"
import type { Outbox } from "./Outbox.ts"
import { openConsumer } from "./QueueConsumer.ts"
import type { Queued } from "./Queued.ts"
import { LogPosition } from "../delivery/LogPosition.ts"
import { LogReader } from "../delivery/LogReader.ts"
import { DeliveryFilter } from "../delivery/DeliveryFilter.ts"
import { CursorStore } from "../delivery/CursorStore.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { resumeCursors } from "../delivery/ResumeCursors.ts"
import type * as Scope from "effect/Scope"
import { type StorageFailed, Store, type Write } from "../ports/Store.ts"

export type { Queued } from "./Queued.ts"

/** Packets that a user's device has not acknowledged, read from the logs. */
export class OfflineQueue extends Context.Service<
  OfflineQueue,
  {
    /** Packets that the device is owed, by id: at most `limit` (1000 if absent). */
    readonly list: (
      user: UserId,
      options?: { readonly device?: string; readonly limit?: number }
    ) => Effect.Effect<ReadonlyArray<Queued>, Refused>
    /** Acknowledges packets, which are then not delivered again. Unknown ids are ignored. */
    readonly acknowledge: (
      user: UserId,
      ids: ReadonlyArray<EntryId>,
      options?: { readonly device?: string }
    ) => Effect.Effect<void, Refused>
    /**
     * Opens the queue of a device that this process alone reads, until the scope closes: an outbox whose items are the
     * packets in order, and which waits for new ones. Without a session the user is not online.
     */
    readonly consume: (user: UserId, device: string) => Effect.Effect<Outbox<Queued>, Refused, Scope.Scope>
  }
>()("@parley/core/OfflineQueue") {
  /** The service, on the engine of the same scope. */
  static readonly layer: Layer.Layer<OfflineQueue, never, Engine | CursorStore | Store | Hub> = Layer.effect(
    OfflineQueue,
    Effect.gen(function* () {
      const { context } = yield* Engine
      const cursors = yield* CursorStore
      const store = yield* Store
      const hub = yield* Hub

      /** Positions of a device in the logs of its user's chats. */
      const positionsOf = Effect.fnUntraced(function* (
        id: UserId,
        device: string
      ): Effect.fn.Return<ReadonlyMap<ChatId, LogPosition>, Refused | StorageFailed> {
        const user = yield* context.users.find(id)
        if (user === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
        const sources = { cursors, chats: context.chats }
        const resumePoints = yield* resumeCursors(sources, user, device, yield* store.chatsOf(id))
        return new Map(resumePoints.map(({ cursor }) => [cursor.chat, new LogPosition(cursor)]))
      })

      const orUnavailable = <A>(effect: Effect.Effect<A, Refused | StorageFailed>): Effect.Effect<A, Refused> =>
        Effect.catchTag(effect, "StorageFailed", () => refuse({ _tag: "Unavailable" }))

      return OfflineQueue.of({
        consume: Effect.fnUntraced(function* (id, device) {
          const user = yield* orUnavailable(context.users.find(id))
          if (user === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
          return yield* openConsumer({ store, chats: context.chats, cursors, hub }, user, device)
        }),
        list: Effect.fnUntraced(function* (user, { device = "", limit = 1000 } = {}) {
          const reader = new LogReader(store)
          const filters = new Map<ChatId, DeliveryFilter>()
          for (const [chat, position] of yield* positionsOf(user, device)) {
            filters.set(chat, new DeliveryFilter({ user, device }, position))
            reader.add(chat, position.position)
          }
          const queue: Array<Queued> = []
          while (queue.length < limit && reader.chats.length > 0) {
            yield* reader.load
            const cached = new Map((yield* context.chats.findMany(reader.chats)).map((one) => [one.chat.id, one]))
            for (let next = reader.next(() => true); next !== undefined; next = reader.next(() => true)) {
              const { entry } = next
              const found = cached.get(entry.chat)
              const message = filters.get(entry.chat)?.messageOf(next)
              if (found === undefined || message === undefined) continue
              const event = { _tag: "ChatEvent", entry, chat: found.chat, head: found.head, message } as const
              if (queue.push({ id: entry.id, level: 3, user, event }) >= limit) break
            }
            yield* Effect.yieldNow
          }
          return queue
        }, orUnavailable),
        acknowledge: Effect.fnUntraced(function* (user, ids, { device = "" } = {}) {
          for (const session of hub.sessionsOf(user)) {
            if (session.live?.device === device) yield* session.acknowledge(ids)
          }
          const positions = yield* positionsOf(user, device)
          const moved = new Set<LogPosition>()
          for (const { chat, seq } of yield* store.locate(ids)) {
            const position = positions.get(chat)
            if (position === undefined) continue
            position.acknowledge(seq)
            moved.add(position)
          }
          const writes = [...moved].map((position): Write => ({
            _tag: "MoveCursor",
            cursor: position.cursorOf({ user, device })
          }))
          if (writes.length > 0) {
            yield* store.commit({ expectedVersions: [], writes }).pipe(
              Effect.catchTags({
                VersionConflict: () => refuse({ _tag: "Busy" }),
                Duplicate: () => refuse({ _tag: "Busy" })
              })
            )
          }
        }, orUnavailable)
      })
    })
  )
}
