/**
 * Those who hear a chat. What is announced in one turn of the event loop is handed to each of them together: a group
 * costs once for each member and turn, not once for each member and message.
 */
import type { ChatId } from "../model/Ids.ts"
import type { Subscription } from "./Subscription.ts"
import { EncodingBatch, type EventEncoding } from "./Serializer.ts"

/** Entries that wait for the end of the turn, at most, and the characters of what they say, about. */
const MAX_WAITING = 256
const MAX_CHARACTERS = 256 * 1024

/** A kept entry that was announced. */
export interface PendingBroadcast {
  readonly seq: number
  readonly encoding: EventEncoding
  /** How much it says, about. */
  readonly characters: number
  /** The connection that has it with its answer. */
  readonly except: number | undefined
}

export class Channel {
  readonly chat: ChatId
  readonly subscriptions = new Set<Subscription>()
  /** What was announced and is not handed over yet: one sequence after the other. */
  #pending: Array<PendingBroadcast> = []
  #characters = 0

  constructor(chat: ChatId) {
    this.chat = chat
  }

  get isEmpty(): boolean {
    return this.subscriptions.size === 0
  }

  /** Takes an entry, to be handed over by `flush` in this turn; answers whether it is the first one that waits. */
  enqueue(announced: PendingBroadcast): boolean {
    const last = this.#pending.at(-1)
    const isFull = this.#pending.length >= MAX_WAITING || this.#characters >= MAX_CHARACTERS
    if (isFull || (last !== undefined && announced.seq !== last.seq + 1)) this.flush()
    this.#characters += announced.characters
    return this.#pending.push(announced) === 1
  }

  /** Hands everybody what waits. */
  flush(): void {
    const waiting = this.#pending
    const [first] = waiting
    const last = waiting.at(-1)
    if (first === undefined || last === undefined) return
    this.#pending = []
    this.#characters = 0
    const excepted = new Set<number | undefined>()
    for (const { except } of waiting) if (except !== undefined) excepted.add(except)
    const together = new EncodingBatch(waiting.map(({ encoding }) => encoding))
    for (const subscription of this.subscriptions) {
      const { subscriber } = subscription
      if (
        excepted.has(subscriber.connection.id) ||
        !subscriber.deliverRange(subscription, first.seq, last.seq, together)
      ) {
        deliver(subscription, waiting)
      }
    }
  }

  /** Hands one of them what waits, before the others get it. */
  advance(subscription: Subscription): void {
    deliver(subscription, this.#pending)
  }
}

const deliver = (subscription: Subscription, waiting: ReadonlyArray<PendingBroadcast>): void => {
  const { subscriber } = subscription
  for (const { seq, encoding, except } of waiting) {
    subscriber.deliver(subscription, seq, encoding, subscriber.connection.id === except)
  }
}
