/**
 * Delivers to a session the entries of its chats' logs above its cursors: by entry id over all its chats, page by page,
 * waiting for a slow reader, until every chat has reached its head and goes live.
 */
import * as Effect from "effect/Effect"
import type { Subscriber } from "./Subscriber.ts"
import type { ChatId } from "../model/Ids.ts"
import { type LogReading, LogReader, type NextEntry } from "./LogReader.ts"
import { DeliveryFilter } from "./DeliveryFilter.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { Subscription } from "./Subscriber.ts"
import { EventEncoding } from "./Serializer.ts"
import type { CachedChat, ChatCache } from "../cache/ChatCache.ts"

/** Buffered bytes from which the catch-up waits for the reader. */
const HIGH_WATER = 256 * 1024
/** Maximum share of the send buffer for the catch-up; the rest is for other frames. */
const SEND_BUFFER_SHARE = 1 / 4
/** The catch-up continues once this share of its own bound is left. */
const LOW_WATER = 1 / 4

/** A chat with missed entries. */
interface Backlog {
  readonly subscription: Subscription
  readonly filter: DeliveryFilter
}

export const catchUp = Effect.fnUntraced(function* (
  subscriber: Subscriber,
  store: Store["Service"],
  chats: ChatCache,
  sendBuffer: number
): Effect.fn.Return<void, StorageFailed> {
  const high = Math.min(HIGH_WATER, sendBuffer * SEND_BUFFER_SHARE)
  const backlogs = new Map<ChatId, Backlog>()
  const reader = new LogReader(store)
  while (!subscriber.closed) {
    addBacklogs(subscriber, backlogs, reader)
    if (backlogs.size === 0) return
    yield* reader.load
    const cached = new Map((yield* chats.findMany([...backlogs.keys()])).map((one) => [one.chat.id, one]))
    if (subscriber.closed) return
    deliverPages(subscriber, cached, backlogs, reader, high)
    if (subscriber.buffered > high) {
      subscriber.flush()
      const low = high * LOW_WATER
      yield* Effect.callback<void>((resume) => subscriber.connection.onDrained(low, () => resume(Effect.void)))
    } else yield* Effect.yieldNow
  }
})

/** Adds chats that fell behind, and removes chats that the subscriber has left. */
const addBacklogs = (subscriber: Subscriber, backlogs: Map<ChatId, Backlog>, reader: LogReader): void => {
  for (const subscription of subscriber.lagging()) {
    if (backlogs.get(subscription.chat)?.subscription === subscription) continue
    backlogs.set(subscription.chat, { subscription, filter: new DeliveryFilter(subscriber.key, subscription) })
    reader.add(subscription.chat, subscription.position)
  }
  for (const [chat, { subscription }] of backlogs) {
    if (subscriber.subscription(chat) !== subscription) remove(chat, backlogs, reader)
  }
}

const remove = (chat: ChatId, backlogs: Map<ChatId, Backlog>, reader: LogReader): void => {
  backlogs.delete(chat)
  reader.delete(chat)
}

/** Delivers in the order of ids until a log has no more loaded entries, or the reader is slow. */
const deliverPages = (
  subscriber: Subscriber,
  chats: ReadonlyMap<ChatId, CachedChat>,
  backlogs: Map<ChatId, Backlog>,
  reader: LogReader,
  high: number
): void => {
  /** Goes live at the end of the log, unless it has grown meanwhile. */
  const goLive = ({ chat, readTo }: LogReading): boolean => {
    const subscription = backlogs.get(chat)?.subscription
    if (subscription !== undefined) {
      if (subscription.missed > readTo) return false
      subscriber.caughtUp(subscription)
    }
    backlogs.delete(chat)
    return true
  }
  while (subscriber.buffered <= high) {
    const next = reader.next(goLive)
    if (next === undefined) return
    const { chat } = next.entry
    const cached = chats.get(chat)
    const backlog = backlogs.get(chat)
    if (cached === undefined || backlog === undefined || subscriber.subscription(chat) !== backlog.subscription) {
      remove(chat, backlogs, reader)
    } else deliverEntry(subscriber, cached, backlog, next)
  }
}

const deliverEntry = (
  subscriber: Subscriber,
  { chat, head }: CachedChat,
  { subscription, filter }: Backlog,
  next: NextEntry
): void => {
  const { entry } = next
  const { seq } = entry
  if (seq <= subscription.position) return
  const message = filter.messageOf(next)
  if (message === undefined) return subscription.skip(seq)
  subscriber.deliverBacklog(subscription, seq, new EventEncoding({ _tag: "ChatEvent", entry, chat, head, message }))
}
