/** Cache of log heads of recently used chats, so that a message costs its own row only. */
import { BoundedMap } from "@parley/core/BoundedMap"
import type { ChatId } from "@parley/core/Ids"
import { last } from "../queries/messages.ts"
import type { Statements } from "../Statements.ts"
import type { UnindexedTail } from "../log-index/UnindexedTail.ts"

export interface WriterHead {
  seq: number
  posted: number
  version: number
}

/** Maximum number of heads, about 150 bytes each; the least recently used is evicted first. */
const MAX_HEADS = 50_000

export class HeadCache {
  readonly #db: Statements
  readonly #tail: UnindexedTail
  readonly #headCache: BoundedMap<ChatId, WriterHead>

  constructor(db: Statements, tail: UnindexedTail, limit: number = MAX_HEADS) {
    this.#db = db
    this.#tail = tail
    this.#headCache = new BoundedMap(limit)
  }

  get size(): number {
    return this.#headCache.size
  }

  /** Returns the chat's head, which the caller advances with each write; undefined for an unknown chat. */
  get(chat: ChatId): WriterHead | undefined {
    const kept = this.#headCache.get(chat)
    if (kept !== undefined) return kept
    const stored = this.#db.one<{ version: number }>("SELECT version FROM chats WHERE id = ?", chat)
    if (stored === undefined) return undefined
    const entry = last(this.#db, this.#tail, chat)
    if (entry === undefined) return undefined
    const head: WriterHead = { seq: entry.seq, posted: entry.posted, version: stored.version }
    this.#headCache.set(chat, head)
    return head
  }

  /** Drops the heads of chats whose write was rolled back. */
  invalidate(chats: Iterable<ChatId>): void {
    for (const chat of chats) this.#headCache.delete(chat)
  }

  clear(): void {
    this.#headCache.clear()
  }
}
