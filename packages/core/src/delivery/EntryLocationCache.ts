/**
 * Where the newest entries are, by id, so that an acknowledgement finds its chat without asking storage. A ring of plain
 * numbers: objects for so many entries would live just long enough to be dear to a garbage collector.
 */
import { ChatId } from "../model/Ids.ts"

/** Entries remembered; ids rise by one, so that these are the last ones. A power of two. */
const SIZE = 65_536

export class EntryLocationCache {
  readonly #ids = new Float64Array(SIZE)
  readonly #chats = new Int32Array(SIZE)
  readonly #seqs = new Int32Array(SIZE)

  put(id: number, chat: ChatId, seq: number): void {
    const at = id % SIZE
    this.#chats[at] = chat
    this.#seqs[at] = seq
    // What does not fit into 32 bits is looked up in storage.
    this.#ids[at] = this.#chats[at] === chat && this.#seqs[at] === seq ? id : 0
  }

  /** Where an entry is kept here, for `chat` and `seq`; undefined where it is not. */
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
