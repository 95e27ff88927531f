/**
 * Delivery of a user's chats to one authenticated connection: subscriptions, acknowledgements and catch-up. A connection
 * gets a new one with each user.
 */
import * as Effect from "effect/Effect"
import type { ChatCache } from "../cache/ChatCache.ts"
import { catchUp } from "../delivery/CatchUp.ts"
import type { CursorStore } from "../delivery/CursorStore.ts"
import type { Hub } from "../delivery/Hub.ts"
import type { LiveSession } from "../delivery/LiveSession.ts"
import { resumeCursors } from "../delivery/ResumeCursors.ts"
import type { Serializer } from "../delivery/Serializer.ts"
import { Subscriber, type SubscriberEvents, type Subscription } from "../delivery/Subscriber.ts"
import { type ChatId, EntryId, EPHEMERAL_ID_BASE } from "../model/Ids.ts"
import type { User } from "../model/User.ts"
import type { Connection } from "../ports/Connection.ts"
import type { Frame } from "../ports/Frame.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import { PassesFence } from "../ports/Fence.ts"
import { logStorageFailure } from "../ports/StorageErrors.ts"
import type { Store } from "../ports/Store.ts"

/** WebSocket close code of RFC 6455. */
const CLOSE_INTERNAL = 1011

/** Maximum number of acknowledged ids per frame that are looked up in storage; the newest need no lookup. */
const MAX_LOOKED_UP = 5000

/** Dependencies shared by the deliveries of all sessions of an engine. */
export interface DeliveryContext {
  readonly hub: Hub["Service"]
  readonly cursors: CursorStore["Service"]
  readonly store: Store["Service"]
  readonly chats: ChatCache
  readonly settings: Pick<EngineSettings, "sendBuffer">
  /** Runs an effect in a fiber of its own, and calls back at its end. */
  readonly run: (effect: Effect.Effect<void>, done?: () => void) => void
}

export class SessionDelivery implements SubscriberEvents {
  readonly live: LiveSession
  readonly user: User
  readonly subscriber: Subscriber
  readonly #context: DeliveryContext
  #isCatchingUp = false

  constructor(
    connection: Connection,
    serializer: Serializer,
    { live, user }: { readonly live: LiveSession; readonly user: User },
    context: DeliveryContext
  ) {
    this.live = live
    this.user = user
    this.#context = context
    this.subscriber = new Subscriber(connection, serializer, { user: user.id, device: live.device }, this)
  }

  /** Starts delivery of these chats; see `ClientSession.open`. */
  open(chats: ReadonlyArray<ChatId>, initialFrames: () => ReadonlyArray<Frame>): Effect.Effect<void> {
    const { subscriber, user } = this
    return resumeCursors(this.#context, user, subscriber.key.device, chats).pipe(
      Effect.map((resumePoints) => {
        if (subscriber.closed) return
        for (const { cursor, head } of resumePoints) {
          const subscription = subscriber.subscribe(cursor, head)
          if (subscription !== undefined) this.#context.hub.chats.subscribe(subscription)
        }
        subscriber.open(initialFrames(), this.#context.hub.newUsers.count)
      }),
      // Without its cursors nothing can be delivered in order: the client must reconnect.
      Effect.catch((failed) =>
        Effect.andThen(
          logStorageFailure("cursors could not be read", failed),
          Effect.sync(() => subscriber.connection.close(CLOSE_INTERNAL, "the storage does not respond"))
        )
      )
    )
  }

  /** Ends delivery. Cursors are preserved. */
  close(): void {
    const { subscriber } = this
    const { hub, cursors } = this.#context
    subscriber.close()
    for (const subscription of subscriber.subscriptions()) {
      hub.chats.unsubscribe(subscription)
      cursors.release(subscription)
    }
  }

  /**
   * Acknowledges packets, which are then not delivered again. Unknown ids are ignored. Acknowledgements count even if the
   * connection ends meanwhile.
   */
  acknowledge(ids: ReadonlyArray<number>): Effect.Effect<void> {
    const { recent } = this.#context.hub.chats
    const uncached: Array<EntryId> = []
    const { subscriber } = this
    for (const id of ids) {
      const at = recent.find(id)
      if (at !== undefined) subscriber.acknowledge(recent.chat(at), recent.seq(at))
      // Ids beyond the limit are delivered again.
      else if (uncached.length < MAX_LOOKED_UP && id > 0 && id < EPHEMERAL_ID_BASE) uncached.push(EntryId(id))
    }
    if (uncached.length === 0) return Effect.void
    return this.#context.store.locate(uncached).pipe(
      Effect.map((found) => {
        for (const { chat, seq } of found) subscriber.acknowledge(chat, seq)
      }),
      // They are delivered again.
      Effect.catch((failed) => logStorageFailure("acknowledged entries could not be found", failed))
    )
  }

  /** Acknowledges synchronously if all ids are cached. Otherwise returns false: call `acknowledge` with all of them. */
  tryAcknowledge(ids: ReadonlyArray<number>): boolean {
    const { recent } = this.#context.hub.chats
    let chat: ChatId | undefined
    let subscription: Subscription | undefined
    for (const id of ids) {
      const at = recent.find(id)
      if (at === undefined) return false
      // Ids of one chat often follow each other, hundreds of them in a busy one.
      if (recent.chat(at) !== chat) {
        chat = recent.chat(at)
        subscription = this.subscriber.subscription(chat)
        if (subscription !== undefined) this.cursorMoved(subscription)
      }
      subscription?.acknowledge(recent.seq(at))
    }
    return true
  }

  /** Subscribes to a chat that the user joined with this entry. */
  joinChat(chat: ChatId, seq: number): void {
    const before = this.subscriber.subscription(chat)
    // Of an earlier membership: the notice of its end comes late.
    if (before !== undefined && before.position < seq - 1) this.leaveChat(chat)
    const subscription = this.subscriber.subscribe({ chat, pushed: seq - 1, delivered: seq - 1, acked: [] }, seq - 1)
    if (subscription !== undefined) this.#context.hub.chats.subscribe(subscription)
  }

  /** Stores the position in a chat; see `LogPosition.confirm`. */
  confirm(chat: ChatId): void {
    const subscription = this.subscriber.subscription(chat)
    if (subscription === undefined) return
    subscription.confirm()
    this.cursorMoved(subscription)
  }

  /** Unsubscribes from a chat that the user has left. */
  leaveChat(chat: ChatId): void {
    const subscription = this.subscriber.unsubscribe(chat)
    if (subscription === undefined) return
    this.#context.hub.chats.unsubscribe(subscription)
    this.#context.cursors.release(subscription)
  }

  /** See `SubscriberEvents`. */
  cursorMoved(subscription: Subscription): void {
    const { cursors } = this.#context
    if (subscription.subscriber.closed) cursors.release(subscription)
    else cursors.touch(subscription)
  }

  /** See `SubscriberEvents`. */
  catchUp(): void {
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    const { subscriber } = this
    const { store, chats, settings } = this.#context
    const reading = catchUp(subscriber, store, chats, settings.sendBuffer).pipe(
      // A fenced node that catches up with others delivers what it finds, before it serves requests.
      Effect.provideService(PassesFence, true),
      Effect.catchCause((failed) =>
        Effect.andThen(
          logStorageFailure("a backlog could not be read", failed),
          Effect.sync(() => {
            // Nothing more can be delivered in order: the client must reconnect.
            subscriber.close()
            subscriber.connection.close(CLOSE_INTERNAL, "the storage does not respond")
          })
        )
      )
    )
    this.#context.run(reading, () => {
      this.#isCatchingUp = false
      if (subscriber.lagging().size > 0 && !subscriber.closed) this.catchUp()
    })
  }
}
