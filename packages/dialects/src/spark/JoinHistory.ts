/**
 * Who came into a chat when, read from its log. What was read once is remembered, so that a log is read on from there
 * and not from its beginning again.
 */
import { BoundedMap } from "@parley/core/BoundedMap"
import type { ChatId, UserId } from "@parley/core/Ids"
import type { StorageFailed, Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"

/** Maximum number of chats in memory; beyond it the one used longest ago is dropped. */
const LIMIT = 1000
/** Entries of one read. */
const PAGE = 1000

/** Of the entries above `after`, up to `upTo`: the newest by which each user came in. */
interface JoinRange {
  readonly after: number
  readonly upTo: number
  readonly newest: ReadonlyMap<UserId, number>
}

export class JoinHistory {
  readonly #store: Store["Service"]
  readonly #known = new BoundedMap<ChatId, JoinRange>(LIMIT)

  constructor(store: Store["Service"]) {
    this.#store = store
  }

  /** By user, the newest entry above `after` and up to `upTo` by which they came in. */
  readonly since: (
    chat: ChatId,
    after: number,
    upTo: number
  ) => Effect.Effect<ReadonlyMap<UserId, number>, StorageFailed> = (chat, after, upTo) => {
    const known = this.#known.get(chat)
    const start: JoinRange =
      known !== undefined && known.after <= after ? known : { after, upTo: after, newest: new Map() }
    if (start.upTo >= upTo) return Effect.succeed(start.newest)
    return Effect.map(this.#read(chat, start, upTo), (stretch) => {
      this.#known.set(chat, stretch)
      return stretch.newest
    })
  }

  readonly #read = Effect.fnUntraced(function* (
    this: JoinHistory,
    chat: ChatId,
    start: JoinRange,
    upTo: number
  ): Effect.fn.Return<JoinRange, StorageFailed> {
    const newest = new Map(start.newest)
    let at = start.upTo
    while (at < upTo) {
      const entries = yield* this.#store.entries([{ chat, after: at, limit: PAGE }])
      const last = entries.at(-1)
      if (last === undefined) break
      for (const { body, seq } of entries) {
        if (body._tag === "Changed") for (const user of body.added ?? []) newest.set(user, seq)
      }
      at = last.seq
      if (at < upTo) yield* Effect.yieldNow
    }
    return { after: start.after, upTo: at, newest }
  })
}
