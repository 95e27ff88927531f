/** Lists of units, each list one transaction; and the log's indexes, brought up to it by transactions of their own. */
import type { EntryId } from "@parley/core/Ids"
import type { WriteBatch } from "@parley/core/Store"
import { BatchApplier } from "./ApplyBatch.ts"
import { isBusy, isUniqueViolation } from "../sqliteError.ts"
import { GidIndex, provideFingerprint } from "../log-index/GidIndex.ts"
import type { Statements } from "../Statements.ts"
import { UnindexedTail } from "../log-index/UnindexedTail.ts"
import type { FromWriter, PostRow, Refusal } from "./protocol.ts"

// A conflict ends the transaction: to undo the statement alone, SQLite would copy each page before it changes it.
const EXTEND = `INSERT OR ROLLBACK INTO log_by_chat (chat, seq, id)
  SELECT chat, seq, id FROM log WHERE id > (SELECT upto FROM log_indexed) AND id <= ? ORDER BY chat, seq`
const EXTENDED = "UPDATE log_indexed SET upto = ?, gids = ?"
const EMPTY = "DELETE FROM log_by_chat; DELETE FROM log_by_gid; UPDATE log_indexed SET upto = 0, gids = 0"
const FINGERPRINTS = "INSERT INTO log_by_gid SELECT fingerprint(gid), id FROM log WHERE gid IS NOT NULL ORDER BY 1, 2"

export class Transactions {
  readonly #db: Statements
  readonly #tail = new UnindexedTail()
  readonly #gids: GidIndex
  readonly #applier: BatchApplier
  readonly #busyTimeout: number

  /** `patience`: milliseconds for the transaction of somebody else to end, beside what the connection itself waits. */
  constructor(db: Statements, patience = 0) {
    this.#db = db
    this.#busyTimeout = patience
    this.#gids = new GidIndex(db)
    this.#applier = new BatchApplier(db, this.#tail, this.#gids)
    provideFingerprint(db.database)
  }

  /** What became of each unit, once all that took effect is on the disk. */
  commit(batches: ReadonlyArray<PostRow | WriteBatch>): Extract<FromWriter, { readonly _tag: "Done" | "Failed" }> {
    const numbers: Array<number> = []
    const ended: Array<ReadonlyArray<string>> = []
    const refused: Array<readonly [number, Refusal]> = []
    // Up to where this goes back when it comes to nothing; nowhere where somebody else may have written meanwhile.
    let newest: number | undefined
    try {
      if (this.#begin()) this.#applier.invalidate()
      newest = this.#tail.isLoaded ? this.#tail.newest : undefined
      for (const [index, batch] of batches.entries()) {
        const refusal = this.#applier.apply(batch, numbers, ended)
        if (refusal !== undefined) refused.push([index, refusal])
      }
      this.#db.prepare("COMMIT").run()
      return { _tag: "Done", numbers, ended, refused }
    } catch (cause) {
      this.#applier.truncate(newest)
      if (this.#db.database.isTransaction) this.#db.prepare("ROLLBACK").run()
      return { _tag: "Failed", cause }
    }
  }

  /** The messages with these gids; those of the last transaction are among them. */
  find(gids: ReadonlyArray<string>): ReadonlyArray<EntryId> {
    return this.#db.snapshot(() => {
      this.#applier.load()
      return gids.flatMap((gid) => this.#gids.find(gid) ?? [])
    })
  }

  /** How many entries the log's index by chat does not have yet, as far as is known. */
  get unindexed(): number {
    return this.#tail.size
  }

  /** The same of messages and the index by gid. */
  get waiting(): number {
    return this.#gids.size
  }

  /**
   * Brings the log's indexes up to its end, by at most so many entries each; `keep` messages may be left out of that by
   * gid. Throws when it cannot: then they are where they were, and nothing is lost, since what they lack is read from the
   * log. Where that by chat is at odds with the log both are made anew, whole, and it answers what showed that: in the
   * order of some seconds for a million messages.
   */
  index(most = Infinity, keep = 0): unknown {
    if (this.#tail.isLoaded && this.#tail.size === 0 && this.#gids.size <= keep) return undefined
    const { database } = this.#db
    // Not flushed: the write-ahead log keeps its order, so a power cut can only lose index entries together with the
    // mark that says they are there, and never a message that was answered. Those are flushed as before.
    database.exec("PRAGMA synchronous = NORMAL")
    try {
      this.#extend(most, keep)
      return undefined
    } catch (cause) {
      if (!isUniqueViolation(cause)) throw cause
      this.#rebuild()
      return cause
    } finally {
      try {
        if (database.isTransaction) this.#db.prepare("ROLLBACK").run()
      } finally {
        database.exec("PRAGMA synchronous = FULL")
      }
    }
  }

  #extend(most: number, keep: number): void {
    this.#beginNow()
    if (this.#tail.size === 0 && this.#gids.size <= keep) return
    const upto = this.#tail.nth(most)
    this.#db.run(EXTEND, upto)
    const { mark, taken } = this.#gids.index(this.#tail.newest, most, keep)
    this.#db.run(EXTENDED, upto, mark)
    this.#db.prepare("COMMIT").run()
    this.#tail.begin(upto)
    taken()
  }

  #rebuild(): void {
    this.#beginNow()
    const { newest } = this.#tail
    this.#db.database.exec(EMPTY)
    this.#db.run(EXTEND, newest)
    this.#db.run(FINGERPRINTS)
    this.#db.run(EXTENDED, newest, newest)
    this.#db.prepare("COMMIT").run()
    this.#tail.begin(newest)
    this.#gids.invalidate()
  }

  /** To index. */
  #beginNow(): void {
    try {
      this.#db.prepare("BEGIN IMMEDIATE").run()
    } catch (cause) {
      // Whoever holds the database may write.
      this.#applier.invalidate()
      throw cause
    }
    this.#applier.load()
  }

  /** Whether somebody else held the database before. Each attempt waits as long as the connection's own timeout says. */
  #begin(): boolean {
    const until = performance.now() + this.#busyTimeout
    for (let attempts = 1; ; attempts++) {
      try {
        this.#db.prepare("BEGIN IMMEDIATE").run()
        return attempts > 1
      } catch (cause) {
        if (!isBusy(cause) || performance.now() >= until) throw cause
      }
    }
  }
}
