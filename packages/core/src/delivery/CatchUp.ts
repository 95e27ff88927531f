/**
 * Hands a session what its chats' logs hold above its places: by entry id over all its chats, page by page, waiting for
 * a slow reader, until every chat has met its head and goes on live.
 */
import * as Effect from "effect/Effect"
import type { Subscriber } from "./Subscriber.ts"
import type { ChatId } from "../model/Ids.ts"
import { type LogReading, LogReader, type NextEntry } from "./LogReader.ts"
import { Owed } from "./Owed.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { Subscription } from "./Subscriber.ts"
import { EventEncoding } from "./Serializer.ts"
import type { CachedChat, ChatCache } from "../cache/ChatCache.ts"

/** Bytes that may wait for the reader before the catch-up waits too. */
const HIGH_WATER = 256 * 1024
/** The catch-up never takes more than this part of what may wait for a client: that is for what comes beside it. */
const SHARE = 1 / 4
/** It goes on once this part of its own bound waits. */
const LOW_WATER = 1 / 4

/** One chat that is being caught up. */
interface Backlog {
  readonly subscription: Subscription
  readonly owed: Owed
}

export const catchUp = Effect.fnUntraced(function* (
  subscriber: Subscriber,
  store: Store["Service"],
  chats: ChatCache,
  sendBuffer: number
): Effect.fn.Return<void, StorageFailed> {
  const high = Math.min(HIGH_WATER, sendBuffer * SHARE)
  const backlogs = new Map<ChatId, Backlog>()
  const reader = new LogReader(store)
  while (!subscriber.closed) {
    addBacklogs(subscriber, backlogs, reader)
    if (backlogs.size === 0) return
    yield* reader.load
    const cached = new Map((yield* chats.all([...backlogs.keys()])).map((one) => [one.chat.id, one]))
    if (subscriber.closed) return
    deliverPages(subscriber, cached, backlogs, reader, high)
    if (subscriber.buffered > high) {
      subscriber.flush()
      const low = high * LOW_WATER
      yield* Effect.callback<void>((resume) => subscriber.connection.onDrained(low, () => resume(Effect.void)))
    } else yield* Effect.yieldNow
  }
})

/** Takes on chats that fell behind, and lets those go that are gone. */
const addBacklogs = (subscriber: Subscriber, backlogs: Map<ChatId, Backlog>, reader: LogReader): void => {
  for (const subscription of subscriber.lagging()) {
    if (backlogs.get(subscription.chat)?.subscription === subscription) continue
    backlogs.set(subscription.chat, { subscription, owed: new Owed(subscriber.key, subscription) })
    reader.add(subscription.chat, subscription.position)
  }
  for (const [chat, { subscription }] of backlogs) {
    if (subscriber.subscription(chat) !== subscription) end(chat, backlogs, reader)
  }
}

const end = (chat: ChatId, backlogs: Map<ChatId, Backlog>, reader: LogReader): void => {
  backlogs.delete(chat)
  reader.delete(chat)
}

/** Hands over in the order of ids until a chat has to be read on, or the reader is slow. */
const deliverPages = (
  subscriber: Subscriber,
  chats: ReadonlyMap<ChatId, CachedChat>,
  backlogs: Map<ChatId, Backlog>,
  reader: LogReader,
  high: number
): void => {
  /** The log was read to its end: live from here on, unless it has grown meanwhile. */
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
      end(chat, backlogs, reader)
    } else deliverEntry(subscriber, cached, backlog, next)
  }
}

const deliverEntry = (
  subscriber: Subscriber,
  { chat, head }: CachedChat,
  { subscription, owed }: Backlog,
  next: NextEntry
): void => {
  const { entry } = next
  const { seq } = entry
  if (seq <= subscription.position) return
  const message = owed.messageOf(next)
  if (message === undefined) return subscription.skip(seq)
  subscriber.deliverBacklog(subscription, seq, new EventEncoding({ _tag: "ChatEvent", entry, chat, head, message }))
}
