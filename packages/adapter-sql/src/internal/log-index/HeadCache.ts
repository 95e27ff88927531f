/** How far the logs of the busiest chats have come, so that a message costs its own row and nothing else. */
import { BoundedMap } from "@parley/core/BoundedMap"
import type { ChatId } from "@parley/core/Ids"
import { last } from "../queries/messages.ts"
import type { Statements } from "../Statements.ts"
import type { Tail } from "./UnindexedTail.ts"

export interface WriterHead {
  seq: number
  posted: number
  version: number
}

/** Maximum number of heads: about 150 bytes each. Beyond it the one used longest ago is dropped. */
const KEPT = 50_000

export class Heads {
  readonly #db: Statements
  readonly #tail: Tail
  readonly #kept: BoundedMap<ChatId, WriterHead>

  constructor(db: Statements, tail: Tail, limit: number = KEPT) {
    this.#db = db
    this.#tail = tail
    this.#kept = new BoundedMap(limit)
  }

  get size(): number {
    return this.#kept.size
  }

  /** The chat's head, for the caller to move on with what it writes; undefined for an unknown chat. */
  get(chat: ChatId): WriterHead | undefined {
    const kept = this.#kept.get(chat)
    if (kept !== undefined) return kept
    const stored = this.#db.one<{ version: number }>("SELECT version FROM chats WHERE id = ?", chat)
    if (stored === undefined) return undefined
    const entry = last(this.#db, this.#tail, chat)
    if (entry === undefined) return undefined
    const head: WriterHead = { seq: entry.seq, posted: entry.posted, version: stored.version }
    this.#kept.set(chat, head)
    return head
  }

  /** After a write to these chats was undone. */
  forget(chats: Iterable<ChatId>): void {
    for (const chat of chats) this.#kept.delete(chat)
  }

  clear(): void {
    this.#kept.clear()
  }
}
