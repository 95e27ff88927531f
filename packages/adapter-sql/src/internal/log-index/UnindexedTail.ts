/**
 * The end of the log that `log_by_chat` does not have yet (see `Indexing`): what that index says of earlier entries, this
 * says of later ones. A connection has one of its own, which is true within the transaction that
 * is open: the writer adds what it appends, a reader follows at the beginning of each snapshot and so reads an entry once.
 */
import type { ChatId, EntryId } from "@parley/core/Ids"
import type { Statements } from "../Statements.ts"

type TailRow = { readonly id: EntryId; readonly chat: ChatId; readonly seq: number }

/** One chat's entries in the tail. A log has no gaps and the index ends with one id, so they are the chat's last ones. */
interface Run {
  /** The sequence of the first. */
  first: number
  readonly ids: Array<EntryId>
}

const NONE: ReadonlyArray<EntryId> = []

export class UnindexedTail {
  /** The newest entry that the index has; undefined until it is looked up. */
  #indexed: number | undefined
  /** By id. */
  #rows: Array<TailRow> = []
  #runs = new Map<ChatId, Run>()

  /** Whether it was looked up since it was made, or forgotten. */
  get isLoaded(): boolean {
    return this.#indexed !== undefined
  }

  /** How many entries there are. */
  get size(): number {
    return this.#rows.length
  }

  /** The newest entry's id; that of the newest one in the index where there is none. */
  get newest(): number {
    return this.#rows.at(-1)?.id ?? this.#indexed ?? 0
  }

  /** Goes on to where the database is now, which is never behind where it was. Where that fails nothing is known any more. */
  follow(db: Statements): void {
    try {
      this.#read(db)
    } catch (cause) {
      // Half of it would be taken for the whole.
      this.invalidate()
      throw cause
    }
  }

  #read(db: Statements): void {
    const indexed = db.one<{ upto: number }>("SELECT upto FROM log_indexed")?.upto ?? 0
    this.begin(indexed)
    const rows = db.lists<readonly [EntryId, ChatId, number]>(
      "SELECT id, chat, seq FROM log WHERE id > ? ORDER BY id",
      this.newest
    )
    for (const [id, chat, seq] of rows) this.append({ id, chat, seq })
  }

  /** It begins after the entry `indexed` from now on, which was never after where it begins. */
  begin(indexed: number): void {
    if (indexed === this.#indexed) return
    this.#indexed = indexed
    const left = this.#rows.findIndex((row) => row.id > indexed)
    if (left === -1) return this.#clear()
    for (const row of this.#rows.slice(0, left)) {
      const run = this.#runs.get(row.chat)
      if (run !== undefined) {
        run.ids.shift()
        run.first++
        if (run.ids.length === 0) this.#runs.delete(row.chat)
      }
    }
    this.#rows = this.#rows.slice(left)
  }

  /** To be looked up again: what it has may not be what the database has. */
  invalidate(): void {
    this.#indexed = undefined
    this.#clear()
  }

  append(row: TailRow): void {
    this.#rows.push(row)
    const run = this.#runs.get(row.chat)
    if (run === undefined) this.#runs.set(row.chat, { first: row.seq, ids: [row.id] })
    else run.ids.push(row.id)
  }

  /** Takes back what was appended after the entry `newest`. */
  truncate(newest: number): void {
    for (let row = this.#rows.at(-1); row !== undefined && row.id > newest; row = this.#rows.at(-1)) {
      this.#rows.pop()
      const run = this.#runs.get(row.chat)
      run?.ids.pop()
      if (run?.ids.length === 0) this.#runs.delete(row.chat)
    }
  }

  /** The entry that is the nth in it, from 1; the newest where there are fewer. */
  nth(nth: number): number {
    return this.#rows[nth - 1]?.id ?? this.newest
  }

  /** The chat's last entry. */
  last(chat: ChatId): EntryId | undefined {
    return this.#runs.get(chat)?.ids.at(-1)
  }

  /** The chat's entry `seq`. */
  at(chat: ChatId, seq: number): EntryId | undefined {
    const run = this.#runs.get(chat)
    return run?.ids[seq - run.first]
  }

  /** The chat's entries `from`…`to` by sequence, both included, oldest first. */
  between(chat: ChatId, from: number, to: number): ReadonlyArray<EntryId> {
    const run = this.#runs.get(chat)
    if (run === undefined) return NONE
    return run.ids.slice(Math.max(0, from - run.first), Math.max(0, to + 1 - run.first))
  }

  /** With new maps: V8 lets the table of one that was emptied hold on to all later ones, until a full collection. */
  #clear(): void {
    this.#rows = []
    this.#runs = new Map()
  }
}
