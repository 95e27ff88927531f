/**
 * Reads chats' logs page by page, with the messages of the entries as they stand now. Several logs are read together,
 * by entry id; memory is bounded by the pages, not by the logs.
 */
import * as Effect from "effect/Effect"
import type { ChatId, EntryId, UserId } from "../model/Ids.ts"
import { type Entry, isDurable } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { LogRange, StorageFailed, Store } from "../ports/Store.ts"

/** Approximate maximum number of entries in memory for one reader; the first pages are small, in case messages are large. */
const PAGE_TOTAL = 2000
const FIRST_PAGE_TOTAL = 64
const PAGE_MIN = 8
const PAGE_MAX = 200
/** Characters of message contents in one load, above which the next load is smaller. */
const LARGE_LOAD = 512 * 1024

export interface LogPage {
  /** By id. */
  readonly entries: ReadonlyArray<Entry>
  /** Messages of the entries, as they stand now. */
  readonly messages: ReadonlyMap<EntryId, Message>
}

/** Returns the id of the message that an entry posted or changed. */
export const messageOf = ({ body, id }: Entry): EntryId | undefined =>
  isDurable(body) ? (body._tag === "Posted" ? id : body.message) : undefined

/** Returns the messages posted in these entries of one chat, without those that the reader has hidden. */
const visible = Effect.fnUntraced(function* (
  store: Store["Service"],
  chat: ChatId,
  entries: ReadonlyArray<Entry>,
  hiddenFrom: UserId
): Effect.fn.Return<ReadonlyArray<Message>, StorageFailed> {
  const posted = entries.filter(({ body }) => body._tag === "Posted").map((entry) => entry.posted)
  const [from] = posted
  const to = posted.at(-1)
  return from === undefined || to === undefined ? [] : yield* store.history(chat, { from, to, hiddenFrom })
})

/** Reads pages of several logs. */
export const readPages = Effect.fnUntraced(function* (
  store: Store["Service"],
  ranges: ReadonlyArray<LogRange>
): Effect.fn.Return<LogPage, StorageFailed> {
  const entries = yield* store.entries(ranges)
  const wanted = new Set<EntryId>()
  for (const entry of entries) {
    const message = messageOf(entry)
    if (message !== undefined) wanted.add(message)
  }
  const messages = wanted.size === 0 ? [] : yield* store.messages([...wanted])
  return { entries, messages: new Map(messages.map((message) => [message.id, message])) }
})

/** Reads a page of one log, without the messages in it that the reader has hidden. */
export const readPage = Effect.fnUntraced(function* (
  store: Store["Service"],
  range: LogRange,
  hiddenFrom: UserId
): Effect.fn.Return<LogPage, StorageFailed> {
  const entries = yield* store.entries([range])
  const messages = new Map<EntryId, Message>()
  for (const message of yield* visible(store, range.chat, entries, hiddenFrom)) messages.set(message.id, message)
  const inPage = new Set(entries.map(({ id }) => id))
  const earlier = new Set(entries.flatMap((entry) => messageOf(entry) ?? []).filter((id) => !inPage.has(id)))
  if (earlier.size > 0) for (const message of yield* store.messages([...earlier])) messages.set(message.id, message)
  return { entries, messages }
})

/** One of several logs that are read together. */
export interface LogReading {
  readonly chat: ChatId
  /** Sequence up to which the log is read. */
  readonly readTo: number
  /** Sequence after which the current page begins. */
  readonly pageAfter: number
}

interface Reading extends LogReading {
  readTo: number
  pageAfter: number
  /** Whether the last read reached the head. */
  atHead: boolean
  entries: ReadonlyArray<Entry>
  messages: ReadonlyMap<EntryId, Message>
  next: number
}

/** The next entry over all logs. */
export interface NextEntry {
  readonly reading: LogReading
  readonly entry: Entry
  readonly message: Message | undefined
}

export class LogReader {
  readonly #store: Store["Service"]
  readonly #readings = new Map<ChatId, Reading>()
  /** Entries of the next load, over all logs. */
  #pageTotal = FIRST_PAGE_TOTAL

  constructor(store: Store["Service"]) {
    this.#store = store
  }

  get chats(): ReadonlyArray<ChatId> {
    return [...this.#readings.keys()]
  }

  /** Adds a log to be read after a sequence, replacing an earlier reading of it. */
  add(chat: ChatId, after: number): void {
    const reading = { chat, readTo: after, pageAfter: after, atHead: false, entries: [], messages: new Map(), next: 0 }
    this.#readings.set(chat, reading)
  }

  delete(chat: ChatId): void {
    this.#readings.delete(chat)
  }

  /** Loads the next page of each log without loaded entries. */
  readonly load: Effect.Effect<void, StorageFailed> = Effect.suspend(() => {
    const exhausted = [...this.#readings.values()].filter(
      ({ next, entries, atHead }) => next >= entries.length && !atHead
    )
    if (exhausted.length === 0) return Effect.void
    const limit = Math.max(PAGE_MIN, Math.min(PAGE_MAX, Math.floor(this.#pageTotal / this.#readings.size)))
    const ranges = exhausted.map(({ chat, readTo }) => ({ chat, after: readTo, limit }))
    return Effect.map(readPages(this.#store, ranges), ({ entries, messages }) => {
      this.#adaptPageTotal(messages.values())
      const pages = Map.groupBy(entries, (entry) => entry.chat)
      for (const reading of exhausted) {
        reading.entries = pages.get(reading.chat) ?? []
        reading.messages = messages
        reading.next = 0
        reading.atHead = reading.entries.length < limit
        reading.pageAfter = reading.readTo
        reading.readTo = reading.entries.at(-1)?.seq ?? reading.readTo
      }
    })
  })

  #adaptPageTotal(messages: Iterable<Message>): void {
    let characters = 0
    for (const { content } of messages) characters += content.length
    const factor = characters > LARGE_LOAD ? 1 / 2 : 2
    this.#pageTotal = Math.min(PAGE_TOTAL, Math.max(PAGE_MIN, this.#pageTotal * factor))
  }

  /**
   * Returns the entry with the lowest id, or undefined if a page must be loaded first or no log is left. `atEnd` is
   * called for a log that was read to its head: if it returns false, the log is read further.
   */
  next(atEnd: (reading: LogReading) => boolean): NextEntry | undefined {
    let first: Reading | undefined
    let lowest: Entry | undefined
    for (const [chat, reading] of this.#readings) {
      const entry = reading.entries[reading.next]
      if (entry === undefined) {
        if (!reading.atHead) return undefined
        reading.atHead = atEnd(reading)
        if (!reading.atHead) return undefined
        this.#readings.delete(chat)
      } else if (lowest === undefined || entry.id < lowest.id) {
        first = reading
        lowest = entry
      }
    }
    if (first === undefined || lowest === undefined) return undefined
    first.next++
    const message = messageOf(lowest)
    return { reading: first, entry: lowest, message: message === undefined ? undefined : first.messages.get(message) }
  }
}
