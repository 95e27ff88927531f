/**
 * Locations of the newest entries by id, so that an acknowledgement finds its chat without a read from storage. A ring
 * of plain numbers: as many objects would live just long enough to burden the garbage collector.
 */
import { ChatId } from "../model/Ids.ts"

/** Number of entries; ids rise by one, so that these are the newest ones. A power of two. */
const SIZE = 65_536

export class EntryLocationCache {
  readonly #ids = new Float64Array(SIZE)
  readonly #chats = new Int32Array(SIZE)
  readonly #seqs = new Int32Array(SIZE)

  put(id: number, chat: ChatId, seq: number): void {
    const at = id % SIZE
    this.#chats[at] = chat
    this.#seqs[at] = seq
    // Values beyond 32 bits are looked up in storage.
    this.#ids[at] = this.#chats[at] === chat && this.#seqs[at] === seq ? id : 0
  }

  /** Returns the index of an entry for `chat` and `seq`, or undefined if it is not cached. */
  find(id: number): number | undefined {
    const at = id % SIZE
    return id > 0 && this.#ids[at] === id ? at : undefined
  }

  chat(at: number): ChatId {
    return ChatId(this.#chats[at] ?? 0)
  }

  seq(at: number): number {
    return this.#seqs[at] ?? 0
  }
}
