/**
 * Members' newest messages in chats in slow mode: from the log, and from commits of this node that are in progress. The
 * log of a chat is read back once, and its new entries with each use, so that messages sent through other nodes count.
 */
import * as Effect from "effect/Effect"
import type { ChatId, UserId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import { nextTurn } from "../model/Slices.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import { BoundedMap } from "./BoundedMap.ts"

/** Maximum number of chats in memory; others are read back again. */
const MAX_CHATS = 1000
/** Maximum number of members of one chat in memory. */
const MAX_SENDERS = 10_000
/** Entries of one read: about a millisecond of work. */
const ENTRIES_PER_READ = 200
/** Maximum number of entries that are read back. */
const MAX_READ_BACK = 2000

/** A member's newest message; `at` by the server's clock, in milliseconds since 1970. */
export interface SentMessageTime {
  readonly gid: string
  readonly at: number
}

interface ChatTimes {
  /** The interval for which the log was read back, in milliseconds. */
  interval: number
  /** Sequence up to which the log was read. */
  seq: number
  readonly newest: BoundedMap<UserId, SentMessageTime>
}

/** The chat, its newest known sequence, the interval of slow mode in milliseconds, and the present time. */
export interface SlowChat {
  readonly id: ChatId
  readonly seq: number
  readonly interval: number
  readonly now: number
}

export class SentTimes {
  readonly #store: Pick<Store["Service"], "entries">
  readonly #chats = new BoundedMap<ChatId, ChatTimes>(MAX_CHATS)

  constructor(store: Pick<Store["Service"], "entries">) {
    this.#store = store
  }

  /** Returns the member's newest message within the interval, or undefined; it may also be an older one. */
  newest(chat: SlowChat, user: UserId): Effect.Effect<SentMessageTime | undefined, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      let times = this.#chats.get(chat.id)
      if (times === undefined) {
        times = { interval: 0, seq: chat.seq, newest: new BoundedMap(MAX_SENDERS) }
        this.#chats.set(chat.id, times)
      }
      if (chat.seq - times.seq > MAX_READ_BACK) {
        times.interval = 0
        times.seq = chat.seq
      }
      if (times.interval < chat.interval) {
        yield* this.#readBack(chat, times)
        times.interval = Math.max(times.interval, chat.interval)
      }
      yield* this.#readOn(chat.id, times)
      return times.newest.peek(user)
    })
  }

  /**
   * Records a message whose commit begins, if `before` is still the member's newest one; otherwise returns undefined.
   * Returns a function that removes it, after a failed commit.
   */
  claim(
    chat: ChatId,
    user: UserId,
    message: SentMessageTime,
    before: SentMessageTime | undefined
  ): (() => void) | undefined {
    const newest = this.#chats.peek(chat)?.newest
    if (newest === undefined || newest.peek(user) !== before) return undefined
    newest.set(user, message)
    return () => {
      if (newest.peek(user) !== message) return
      if (before === undefined) newest.delete(user)
      else newest.set(user, before)
    }
  }

  /** Reads the log back to the beginning of the interval. */
  #readBack({ id, seq, interval, now }: SlowChat, { newest }: ChatTimes): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      const first = Math.max(0, seq - MAX_READ_BACK)
      for (let to = seq; to > first; to -= ENTRIES_PER_READ) {
        const after = Math.max(first, to - ENTRIES_PER_READ)
        const entries = yield* this.#store.entries([{ chat: id, after, limit: to - after }])
        for (const entry of entries.toReversed()) record(newest, entry)
        if ((entries[0]?.at ?? 0) <= now - interval) return
        // Reads of an embedded store block the process.
        yield* nextTurn
      }
    })
  }

  /** Reads the entries since the last use. */
  #readOn(chat: ChatId, times: ChatTimes): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const entries = yield* this.#store.entries([{ chat, after: times.seq, limit: ENTRIES_PER_READ }])
        for (const entry of entries) record(times.newest, entry)
        times.seq = Math.max(times.seq, entries.at(-1)?.seq ?? 0)
        if (entries.length < ENTRIES_PER_READ) return
        yield* nextTurn
      }
    })
  }
}

/** Records the message of an entry, unless a newer one of the member is known. */
const record = (newest: ChatTimes["newest"], { at, body, by }: Entry): void => {
  if (body._tag !== "Posted" || by === null) return
  const known = newest.peek(by)
  if (known === undefined || known.at < at) newest.set(by, { gid: body.gid, at })
}
