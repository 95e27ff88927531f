/**
 * The end of the log that is not in `log_by_chat` yet (see `IndexScheduler`), like the memtable of an LSM tree. Each
 * connection has its own, valid within the open transaction: the writer adds its entries, a reader follows at the start
 * of each snapshot and so reads an entry once.
 */
import type { ChatId, EntryId } from "@parley/core/Ids"
import type { Statements } from "../Statements.ts"

type TailRow = { readonly id: EntryId; readonly chat: ChatId; readonly seq: number }

/** One chat's entries in the tail: its last ones, since a log has no gaps and the index ends at one id. */
interface Run {
  /** Sequence of the first entry. */
  first: number
  readonly ids: Array<EntryId>
}

const NONE: ReadonlyArray<EntryId> = []

export class UnindexedTail {
  /** Newest indexed entry; undefined until loaded. */
  #indexed: number | undefined
  /** By id. */
  #rows: Array<TailRow> = []
  #runs = new Map<ChatId, Run>()

  /** Whether it was loaded since it was created or invalidated. */
  get isLoaded(): boolean {
    return this.#indexed !== undefined
  }

  /** Number of entries. */
  get size(): number {
    return this.#rows.length
  }

  /** Id of the newest entry; of the newest indexed one if the tail is empty. */
  get newest(): number {
    return this.#rows.at(-1)?.id ?? this.#indexed ?? 0
  }

  /** Reads the entries added since the last call. Invalidates itself on failure. */
  follow(db: Statements): void {
    try {
      this.#read(db)
    } catch (cause) {
      // A tail that was read in part must not be used.
      this.invalidate()
      throw cause
    }
  }

  #read(db: Statements): void {
    const indexed = db.one<{ upto: number }>("SELECT upto FROM log_indexed")?.upto ?? 0
    this.dropIndexed(indexed)
    const rows = db.lists<readonly [EntryId, ChatId, number]>(
      "SELECT id, chat, seq FROM log WHERE id > ? ORDER BY id",
      this.newest
    )
    for (const [id, chat, seq] of rows) this.append({ id, chat, seq })
  }

  /** Drops entries up to `indexed`, which are in the index now. */
  dropIndexed(indexed: number): void {
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

  /** Drops all entries, which may differ from the database; they are loaded again on next use. */
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

  /** Removes entries after `newest`. */
  truncate(newest: number): void {
    for (let row = this.#rows.at(-1); row !== undefined && row.id > newest; row = this.#rows.at(-1)) {
      this.#rows.pop()
      const run = this.#runs.get(row.chat)
      run?.ids.pop()
      if (run?.ids.length === 0) this.#runs.delete(row.chat)
    }
  }

  /** Id of the nth entry, from 1; of the newest if there are fewer. */
  nth(nth: number): number {
    return this.#rows[nth - 1]?.id ?? this.newest
  }

  /** Id of the chat's last entry. */
  last(chat: ChatId): EntryId | undefined {
    return this.#runs.get(chat)?.ids.at(-1)
  }

  /** Id of the chat's entry `seq`. */
  at(chat: ChatId, seq: number): EntryId | undefined {
    const run = this.#runs.get(chat)
    return run?.ids[seq - run.first]
  }

  /** Ids of the chat's entries `from`…`to` by sequence, inclusive, oldest first. */
  between(chat: ChatId, from: number, to: number): ReadonlyArray<EntryId> {
    const run = this.#runs.get(chat)
    if (run === undefined) return NONE
    return run.ids.slice(Math.max(0, from - run.first), Math.max(0, to + 1 - run.first))
  }

  /** Creates new maps: in V8 the old table of an emptied map retains later ones until a full collection. */
  #clear(): void {
    this.#rows = []
    this.#runs = new Map()
  }
}
