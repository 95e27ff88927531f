/**
 * Hands a session what its chats' logs hold above its places: by entry id over all its chats, page by page, waiting for
 * a slow reader, until every chat has met its head and goes on live. Memory is bounded by the page, not by the backlog.
 */
import * as Effect from "effect/Effect"
import type { Subscriber } from "./Subscriber.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import { type Entry, isDurable } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { Subscription } from "./Subscription.ts"
import { EventEncoding } from "./Serializer.ts"
import type { CachedChat, ChatCache } from "../cache/ChatCache.ts"

/** Entries in memory for one session that catches up, about. */
const PAGE_TOTAL = 2000
const PAGE_MIN = 8
const PAGE_MAX = 200
/** Bytes that may wait for the reader before the catch-up waits too. */
const HIGH_WATER = 256 * 1024
/** The catch-up never takes more than this part of what may wait for a client: that is for what comes beside it. */
const SHARE = 1 / 4
/** It goes on once this part of its own bound waits. */
const LOW_WATER = 1 / 4

/** One chat that is being caught up. */
interface Backlog {
  readonly subscription: Subscription
  /** The log is read up to here. */
  readTo: number
  /** The page in hand begins after this sequence. */
  pageAfter: number
  /** Whether the last read met the head. */
  met: boolean
  entries: ReadonlyArray<Entry>
  /** What the entries are about, as it stands now. */
  messages: ReadonlyMap<EntryId, Message>
  next: number
  /** Messages that were passed over since they are recalled and were never seen here: their recall is no news. */
  readonly recalledUnseen: Set<EntryId>
}

export const catchUp = Effect.fnUntraced(function* (
  subscriber: Subscriber,
  store: Store["Service"],
  chats: ChatCache,
  sendBuffer: number
): Effect.fn.Return<void, StorageFailed> {
  const high = Math.min(HIGH_WATER, sendBuffer * SHARE)
  const backlogs = new Map<ChatId, Backlog>()
  while (!subscriber.closed) {
    addBacklogs(subscriber, backlogs)
    if (backlogs.size === 0) return
    yield* loadPages(store, backlogs)
    const cached = new Map((yield* chats.all([...backlogs.keys()])).map((one) => [one.chat.id, one]))
    if (subscriber.closed) return
    deliverPages(subscriber, cached, backlogs, high)
    if (subscriber.buffered > high) {
      subscriber.flush()
      const low = high * LOW_WATER
      yield* Effect.callback<void>((resume) => subscriber.connection.onDrained(low, () => resume(Effect.void)))
    } else yield* Effect.yieldNow
  }
})

/** Takes on chats that fell behind, and lets those go that are gone. */
const addBacklogs = (subscriber: Subscriber, backlogs: Map<ChatId, Backlog>): void => {
  for (const subscription of subscriber.lagging()) {
    if (backlogs.get(subscription.chat)?.subscription === subscription) continue
    backlogs.set(subscription.chat, {
      subscription,
      readTo: subscription.position,
      pageAfter: subscription.position,
      met: false,
      entries: [],
      messages: new Map(),
      next: 0,
      recalledUnseen: new Set()
    })
  }
  for (const [chat, { subscription }] of backlogs) {
    if (subscriber.subscription(chat) !== subscription) backlogs.delete(chat)
  }
}

/** Reads the next page of each chat that has run dry, and the messages that the pages are about as they stand now. */
const loadPages = Effect.fnUntraced(function* (
  store: Store["Service"],
  backlogs: ReadonlyMap<ChatId, Backlog>
): Effect.fn.Return<void, StorageFailed> {
  const dry = [...backlogs.values()].filter((backlog) => backlog.next >= backlog.entries.length && !backlog.met)
  if (dry.length === 0) return
  const limit = Math.max(PAGE_MIN, Math.min(PAGE_MAX, Math.floor(PAGE_TOTAL / backlogs.size)))
  const entries = yield* store.entries(
    dry.map(({ subscription, readTo }) => ({ chat: subscription.chat, after: readTo, limit }))
  )
  const pages = Map.groupBy(entries, (entry) => entry.chat)
  const wanted = new Set<EntryId>()
  for (const entry of entries) {
    if (entry.body._tag === "Posted") wanted.add(entry.id)
    else if (isDurable(entry.body)) wanted.add(entry.body.message)
  }
  const messages = new Map<EntryId, Message>()
  if (wanted.size > 0) for (const message of yield* store.messages([...wanted])) messages.set(message.id, message)
  for (const backlog of dry) {
    backlog.entries = pages.get(backlog.subscription.chat) ?? []
    backlog.messages = messages
    backlog.next = 0
    backlog.met = backlog.entries.length < limit
    backlog.pageAfter = backlog.readTo
    backlog.readTo = backlog.entries.at(-1)?.seq ?? backlog.readTo
  }
})

/** Hands over in the order of ids until a chat has to be read on, or the reader is slow. */
const deliverPages = (
  subscriber: Subscriber,
  chats: ReadonlyMap<ChatId, CachedChat>,
  backlogs: Map<ChatId, Backlog>,
  high: number
): void => {
  while (subscriber.buffered <= high) {
    let first: Backlog | undefined
    let next: Entry | undefined
    for (const [chat, backlog] of backlogs) {
      const entry = backlog.entries[backlog.next]
      if (entry === undefined) {
        if (!backlog.met || !goLive(subscriber, backlog)) return
        backlogs.delete(chat)
      } else if (next === undefined || entry.id < next.id) {
        first = backlog
        next = entry
      }
    }
    if (first === undefined || next === undefined) return
    first.next++
    const cached = chats.get(next.chat)
    if (cached === undefined || subscriber.subscription(next.chat) !== first.subscription) backlogs.delete(next.chat)
    else deliverEntry(subscriber, cached, first, next)
  }
}

/** The log was read to its end: live from here on, unless it has grown meanwhile. */
const goLive = (subscriber: Subscriber, backlog: Backlog): boolean => {
  const { subscription } = backlog
  if (subscription.missed > backlog.readTo) {
    backlog.met = false
    return false
  }
  subscriber.caughtUp(subscription)
  return true
}

const deliverEntry = (subscriber: Subscriber, cached: CachedChat, backlog: Backlog, entry: Entry): void => {
  const { subscription } = backlog
  const { seq, body } = entry
  if (seq <= subscription.position) return
  if (subscription.isAcknowledged(seq)) {
    subscription.position = seq
    return
  }
  const { user, device } = subscriber.key
  const message = isDurable(body) ? backlog.messages.get(body._tag === "Posted" ? entry.id : body.message) : undefined
  const sentItself = entry.by === user && entry.device === device
  if (message === undefined || sentItself || !shouldDeliver(backlog, entry, message)) {
    subscription.skip(seq)
    return
  }
  subscriber.deliverBacklog(
    subscription,
    seq,
    new EventEncoding({ _tag: "ChatEvent", entry, chat: cached.chat, head: cached.head, message })
  )
}

/**
 * A message is delivered as it stands now: never one that was recalled. A later entry about it is no news to who was
 * handed the message from this very page, which was read with all that the page says of it, nor to who never saw what was
 * recalled; to everybody else it is. Source: PROTOCOLS, "Recall".
 */
const shouldDeliver = (backlog: Backlog, entry: Entry, message: Message): boolean => {
  const { subscription, recalledUnseen: unseen, pageAfter } = backlog
  if (entry.body._tag === "Posted") {
    if (!message.recalled) return true
    if (entry.seq > subscription.pushedBefore) unseen.add(message.id)
    return false
  }
  if (unseen.has(message.id)) return false
  if (message.seq > pageAfter && !subscription.isAcknowledged(message.seq)) return false
  return entry.body._tag === "Recalled" || !message.recalled
}
