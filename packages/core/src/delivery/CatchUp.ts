/**
 * Hands a session what its chats' logs hold above its places: by entry id over all its chats, page by page, waiting for
 * a slow reader, until every chat has met its head and goes on live. Memory is bounded by the page, not by the backlog.
 */
import * as Effect from "effect/Effect"
import type { Delivery } from "./Subscriber.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import { type Entry, isKept } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { Subscription } from "./Subscription.ts"
import { Utterances } from "./Serializer.ts"
import type { WarmChat, WarmChats } from "../cache/ChatCache.ts"

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
interface Reading {
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
  readonly unseen: Set<EntryId>
}

export const catchUp = Effect.fnUntraced(function* (
  delivery: Delivery,
  store: Store["Service"],
  chats: WarmChats,
  sendBuffer: number
): Effect.fn.Return<void, StorageFailed> {
  const high = Math.min(HIGH_WATER, sendBuffer * SHARE)
  const readings = new Map<ChatId, Reading>()
  while (!delivery.closed) {
    enlist(delivery, readings)
    if (readings.size === 0) return
    yield* refill(store, readings)
    const warm = new Map((yield* chats.all([...readings.keys()])).map((one) => [one.chat.id, one]))
    if (delivery.closed) return
    deliver(delivery, warm, readings, high)
    if (delivery.waiting > high) {
      delivery.flush()
      const low = high * LOW_WATER
      yield* Effect.callback<void>((resume) => delivery.connection.onDrained(low, () => resume(Effect.void)))
    } else yield* Effect.yieldNow
  }
})

/** Takes on chats that fell behind, and lets those go that are gone. */
const enlist = (delivery: Delivery, readings: Map<ChatId, Reading>): void => {
  for (const subscription of delivery.behind()) {
    if (readings.get(subscription.chat)?.subscription === subscription) continue
    readings.set(subscription.chat, {
      subscription,
      readTo: subscription.at,
      pageAfter: subscription.at,
      met: false,
      entries: [],
      messages: new Map(),
      next: 0,
      unseen: new Set()
    })
  }
  for (const [chat, { subscription }] of readings) {
    if (delivery.subscription(chat) !== subscription) readings.delete(chat)
  }
}

/** Reads the next page of each chat that has run dry, and the messages that the pages are about as they stand now. */
const refill = Effect.fnUntraced(function* (
  store: Store["Service"],
  readings: ReadonlyMap<ChatId, Reading>
): Effect.fn.Return<void, StorageFailed> {
  const dry = [...readings.values()].filter((reading) => reading.next >= reading.entries.length && !reading.met)
  if (dry.length === 0) return
  const limit = Math.max(PAGE_MIN, Math.min(PAGE_MAX, Math.floor(PAGE_TOTAL / readings.size)))
  const entries = yield* store.entries(
    dry.map(({ subscription, readTo }) => ({ chat: subscription.chat, after: readTo, limit }))
  )
  const pages = Map.groupBy(entries, (entry) => entry.chat)
  const wanted = new Set<EntryId>()
  for (const entry of entries) {
    if (entry.body._tag === "Posted") wanted.add(entry.id)
    else if (isKept(entry.body)) wanted.add(entry.body.message)
  }
  const messages = new Map<EntryId, Message>()
  if (wanted.size > 0) for (const message of yield* store.messages([...wanted])) messages.set(message.id, message)
  for (const reading of dry) {
    reading.entries = pages.get(reading.subscription.chat) ?? []
    reading.messages = messages
    reading.next = 0
    reading.met = reading.entries.length < limit
    reading.pageAfter = reading.readTo
    reading.readTo = reading.entries.at(-1)?.seq ?? reading.readTo
  }
})

/** Hands over in the order of ids until a chat has to be read on, or the reader is slow. */
const deliver = (
  delivery: Delivery,
  chats: ReadonlyMap<ChatId, WarmChat>,
  readings: Map<ChatId, Reading>,
  high: number
): void => {
  while (delivery.waiting <= high) {
    let first: Reading | undefined
    let next: Entry | undefined
    for (const [chat, reading] of readings) {
      const entry = reading.entries[reading.next]
      if (entry === undefined) {
        if (!reading.met || !goLive(delivery, reading)) return
        readings.delete(chat)
      } else if (next === undefined || entry.id < next.id) {
        first = reading
        next = entry
      }
    }
    if (first === undefined || next === undefined) return
    first.next++
    const warm = chats.get(next.chat)
    if (warm === undefined || delivery.subscription(next.chat) !== first.subscription) readings.delete(next.chat)
    else handOver(delivery, warm, first, next)
  }
}

/** The log was read to its end: live from here on, unless it has grown meanwhile. */
const goLive = (delivery: Delivery, reading: Reading): boolean => {
  const { subscription } = reading
  if (subscription.missed > reading.readTo) {
    reading.met = false
    return false
  }
  delivery.caughtUp(subscription)
  return true
}

const handOver = (delivery: Delivery, warm: WarmChat, reading: Reading, entry: Entry): void => {
  const { subscription } = reading
  const { seq, body } = entry
  if (seq <= subscription.at) return
  if (subscription.isAcknowledged(seq)) {
    subscription.at = seq
    return
  }
  const { user, device } = delivery.listener
  const message = isKept(body) ? reading.messages.get(body._tag === "Posted" ? entry.id : body.message) : undefined
  const sentItself = entry.by === user && entry.origin === device
  if (message === undefined || sentItself || !isNews(reading, entry, message)) {
    subscription.pass(seq)
    return
  }
  delivery.say(
    subscription,
    seq,
    new Utterances({ _tag: "ChatEvent", entry, chat: warm.chat, head: warm.head, message })
  )
}

/**
 * A message is delivered as it stands now: never one that was recalled. A later entry about it is no news to who was
 * handed the message from this very page, which was read with all that the page says of it, nor to who never saw what was
 * recalled; to everybody else it is. Source: PROTOCOLS, "Recall".
 */
const isNews = (reading: Reading, entry: Entry, message: Message): boolean => {
  const { subscription, unseen, pageAfter } = reading
  if (entry.body._tag === "Posted") {
    if (!message.recalled) return true
    if (entry.seq > subscription.pushedBefore) unseen.add(message.id)
    return false
  }
  if (unseen.has(message.id)) return false
  if (message.seq > pageAfter && !subscription.isAcknowledged(message.seq)) return false
  return entry.body._tag === "Recalled" || !message.recalled
}
