/**
 * Subscriptions of one chat. Broadcasts of one turn of the event loop are delivered together: a group costs once per
 * member and turn, not once per member and message.
 */
import type { ChatId } from "../model/Ids.ts"
import type { Subscription } from "./Subscriber.ts"
import { EventEncoding } from "./Serializer.ts"

/** Maximum number of entries that wait for the end of the turn, and approximate maximum of their characters. */
const MAX_PENDING = 256
const MAX_CHARACTERS = 256 * 1024

/** A durable entry to be broadcast. */
export interface PendingBroadcast {
  readonly seq: number
  readonly encoding: EventEncoding
  /** Approximate size of its content, in characters. */
  readonly characters: number
  /** The requesting connection, which gets it in the reply. */
  readonly except: number | undefined
}

export class Channel {
  readonly chat: ChatId
  readonly subscriptions = new Set<Subscription>()
  /** Broadcasts that are not delivered yet, in sequence. */
  #pending: Array<PendingBroadcast> = []
  #characters = 0

  constructor(chat: ChatId) {
    this.chat = chat
  }

  get isEmpty(): boolean {
    return this.subscriptions.size === 0
  }

  /** Queues an entry for `flush` in this turn; returns whether it is the first in the queue. */
  enqueue(broadcast: PendingBroadcast): boolean {
    const last = this.#pending.at(-1)
    const isFull = this.#pending.length >= MAX_PENDING || this.#characters >= MAX_CHARACTERS
    if (isFull || (last !== undefined && broadcast.seq !== last.seq + 1)) this.flush()
    this.#characters += broadcast.characters
    return this.#pending.push(broadcast) === 1
  }

  /** Delivers the queue to all subscribers. */
  flush(): void {
    const pending = this.#pending
    const [first] = pending
    const last = pending.at(-1)
    if (first === undefined || last === undefined) return
    this.#pending = []
    this.#characters = 0
    const requesters = new Set<number | undefined>()
    for (const { except } of pending) if (except !== undefined) requesters.add(except)
    const batch = new EventEncoding(...pending.map(({ encoding }) => encoding))
    for (const subscription of this.subscriptions) {
      const { subscriber } = subscription
      if (
        requesters.has(subscriber.connection.id) ||
        !subscriber.deliverRange(subscription, first.seq, last.seq, batch)
      ) {
        deliver(subscription, pending)
      }
    }
  }

  /** Delivers the queue to one subscriber, before the others. */
  advance(subscription: Subscription): void {
    deliver(subscription, this.#pending)
  }
}

const deliver = (subscription: Subscription, pending: ReadonlyArray<PendingBroadcast>): void => {
  const { subscriber } = subscription
  for (const { seq, encoding, except } of pending) {
    subscriber.deliver(subscription, seq, encoding, subscriber.connection.id === except)
  }
}
