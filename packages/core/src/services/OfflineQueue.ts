/**
 * What a member is still owed, as the queue that clients and embedders see. It is a view: the chats' logs above the
 * member's places. Nothing is stored for an absent member.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { catchUp } from "../delivery/CatchUp.ts"
import type { Connection } from "../ports/Connection.ts"
import { Subscriber } from "../delivery/Subscriber.ts"
import { Engine } from "../engine/Engine.ts"
import type { ChatEvent, Event } from "../model/Event.ts"
import { PacketFraming } from "../ports/Frame.ts"
import { Hub } from "../delivery/Hub.ts"
import type { EntryId, UserId } from "../model/Ids.ts"
import { CursorStore } from "../delivery/CursorStore.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { resumeCursors } from "../delivery/ResumeCursors.ts"
import { type StorageFailed, Store, type Write } from "../ports/Store.ts"
import type { Subscription } from "../delivery/Subscription.ts"
import type { Serializer } from "../delivery/Serializer.ts"

/** One packet that is kept for a user until acknowledged. */
export interface Queued {
  /** The id of the log entry, which acknowledges it. */
  readonly id: EntryId
  /** Packets of a lower level go first. Messages have 3; 0 and 1 are made anew at each login. */
  readonly level: 3
  readonly user: UserId
  readonly event: ChatEvent
}

export class OfflineQueue extends Context.Service<
  OfflineQueue,
  {
    /** What the user's device is owed, by id, at most `limit` packets (1000 if absent). */
    readonly list: (
      user: UserId,
      options?: { readonly device?: string; readonly limit?: number }
    ) => Effect.Effect<ReadonlyArray<Queued>, Refused>
    /** These packets need not be delivered again. Ids that are not in the queue do nothing. */
    readonly acknowledge: (
      user: UserId,
      ids: ReadonlyArray<EntryId>,
      options?: { readonly device?: string }
    ) => Effect.Effect<void, Refused>
  }
>()("@parley/core/OfflineQueue") {
  static readonly layer: Layer.Layer<OfflineQueue, never, Engine | CursorStore | Store | Hub> = Layer.effect(
    OfflineQueue,
    Effect.gen(function* () {
      const { context: desk } = yield* Engine
      const cursors = yield* CursorStore
      const store = yield* Store
      const hub = yield* Hub

      /** Somebody who listens where that device is, without being connected. */
      const listen = Effect.fnUntraced(function* (
        id: UserId,
        device: string,
        hear: (event: Event) => void
      ): Effect.fn.Return<Subscriber, Refused | StorageFailed> {
        const user = yield* desk.users.find(id)
        if (user === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
        const serializer: Serializer = {
          encode: (event) => {
            hear(event)
            return []
          },
          framing: new PacketFraming("", "", ""),
          takenOver: "",
          connectionLimitReached: "",
          rejected: () => "",
          invalidUtf8: "",
          oversized: () => "",
          acknowledgement: "explicit"
        }
        const subscriber = new Subscriber(
          NOWHERE,
          serializer,
          { user: id, device },
          { catchUp: () => {}, cursorMoved: () => {} }
        )
        const chats = yield* store.chatsOf(id)
        for (const { cursor, head } of yield* resumeCursors(
          { cursors, store, chats: desk.chats },
          user,
          device,
          chats
        )) {
          subscriber.subscribe(cursor, head)
        }
        return subscriber
      })

      const available = <A>(effect: Effect.Effect<A, Refused | StorageFailed>): Effect.Effect<A, Refused> =>
        Effect.catchTag(effect, "StorageFailed", () => refuse({ _tag: "Unavailable" }))

      return OfflineQueue.of({
        list: Effect.fnUntraced(function* (user, { device = "", limit = 1000 } = {}) {
          const queue: Array<Queued> = []
          const subscriber = yield* listen(user, device, (event) => {
            if (event._tag !== "ChatEvent" || queue.length >= limit) return
            queue.push({ id: event.entry.id, level: 3, user, event })
            if (queue.length >= limit) subscriber.close()
          })
          yield* catchUp(subscriber, store, desk.chats, desk.settings.sendBuffer)
          return queue
        }, available),
        acknowledge: Effect.fnUntraced(function* (user, ids, { device = "" } = {}) {
          for (const session of hub.sessionsOf(user)) {
            if (session.live?.device === device) yield* session.acknowledge(ids)
          }
          const subscriber = yield* listen(user, device, () => {})
          const moved = new Set<Subscription>()
          for (const { chat, seq } of yield* store.locate(ids)) {
            subscriber.acknowledge(chat, seq)
            const subscription = subscriber.subscription(chat)
            if (subscription !== undefined) moved.add(subscription)
          }
          const writes = [...moved].map(({ cursor }): Write => ({ _tag: "MoveCursor", cursor }))
          if (writes.length > 0) {
            yield* store.commit({ expectedVersions: [], writes }).pipe(
              Effect.catchTags({
                VersionConflict: () => refuse({ _tag: "Busy" }),
                Duplicate: () => refuse({ _tag: "Busy" })
              })
            )
          }
        }, available)
      })
    })
  )
}

/** Takes everything and keeps nothing. */
const NOWHERE: Connection = {
  id: 0,
  address: "",
  send: () => {},
  buffered: () => 0,
  onDrained: (_low, callback) => callback(),
  pause: () => {},
  resume: () => {},
  limitFrames: () => {},
  close: () => {}
}
