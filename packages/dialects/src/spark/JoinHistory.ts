/**
 * Reads from a chat's log when users joined. Results are cached, so that later reads continue instead of starting over.
 */
import { BoundedMap } from "@parley/core/BoundedMap"
import type { ChatId, UserId } from "@parley/core/Ids"
import type { StorageFailed, Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"

/** Maximum number of chats in memory; beyond it the least recently used one is dropped. */
const MAX_CHATS = 1000
/** Entries per read. */
const PAGE_SIZE = 1000

/** Newest join of each user among the entries above `after`, up to `upTo`. */
interface JoinRange {
  readonly after: number
  readonly upTo: number
  readonly newest: ReadonlyMap<UserId, number>
}

export class JoinHistory {
  readonly #store: Store["Service"]
  readonly #cached = new BoundedMap<ChatId, JoinRange>(MAX_CHATS)

  constructor(store: Store["Service"]) {
    this.#store = store
  }

  /** Returns, by user, the newest entry above `after` and up to `upTo` that added them. */
  readonly since: (
    chat: ChatId,
    after: number,
    upTo: number
  ) => Effect.Effect<ReadonlyMap<UserId, number>, StorageFailed> = (chat, after, upTo) => {
    const cached = this.#cached.get(chat)
    const start: JoinRange =
      cached !== undefined && cached.after <= after ? cached : { after, upTo: after, newest: new Map() }
    if (start.upTo >= upTo) return Effect.succeed(start.newest)
    return Effect.map(this.#read(chat, start, upTo), (range) => {
      this.#cached.set(chat, range)
      return range.newest
    })
  }

  readonly #read = Effect.fnUntraced(function* (
    this: JoinHistory,
    chat: ChatId,
    start: JoinRange,
    upTo: number
  ): Effect.fn.Return<JoinRange, StorageFailed> {
    const newest = new Map(start.newest)
    let readUpTo = start.upTo
    while (readUpTo < upTo) {
      const entries = yield* this.#store.entries([{ chat, after: readUpTo, limit: PAGE_SIZE }])
      const last = entries.at(-1)
      if (last === undefined) break
      for (const { body, seq } of entries) {
        if (body._tag === "Changed") for (const user of body.added ?? []) newest.set(user, seq)
      }
      readUpTo = last.seq
      if (readUpTo < upTo) yield* Effect.yieldNow
    }
    return { after: start.after, upTo: readUpTo, newest }
  })
}
