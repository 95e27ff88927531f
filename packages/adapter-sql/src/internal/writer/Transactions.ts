/** Commits lists of batches, one transaction each, and updates the log's indexes in separate transactions. */
import type { EntryId } from "@parley/core/Ids"
import { followsFailed, type MessageAppend, type WriteBatch } from "@parley/core/Store"
import { BatchApplier } from "./ApplyBatch.ts"
import { isBusy, isUniqueViolation } from "../sqliteError.ts"
import { GidIndex, provideFingerprint } from "../log-index/GidIndex.ts"
import type { Statements } from "../Statements.ts"
import { UnindexedTail } from "../log-index/UnindexedTail.ts"
import { type FromWriter, isMessageAppend, type MessageRow, type Refusal } from "./protocol.ts"

type Sender = Pick<MessageAppend, "by" | "device">

// A conflict ends the transaction: to roll back one statement, SQLite would copy each page before changing it.
const EXTEND = `INSERT OR ROLLBACK INTO log_by_chat (chat, seq, id)
  SELECT chat, seq, id FROM log WHERE id > (SELECT upto FROM log_indexed) AND id <= ? ORDER BY chat, seq`
const MARK_INDEXED = "UPDATE log_indexed SET upto = ?, gids = ?"
const EMPTY = "DELETE FROM log_by_chat; DELETE FROM log_by_gid; UPDATE log_indexed SET upto = 0, gids = 0"
const FINGERPRINTS = "INSERT INTO log_by_gid SELECT fingerprint(gid), id FROM log WHERE gid IS NOT NULL ORDER BY 1, 2"

export class Transactions {
  readonly #db: Statements
  readonly #tail = new UnindexedTail()
  readonly #gids: GidIndex
  readonly #applier: BatchApplier
  readonly #busyTimeout: number

  /** `busyTimeout`: milliseconds to wait for another connection's transaction, beside the connection's own timeout. */
  constructor(db: Statements, busyTimeout = 0) {
    this.#db = db
    this.#busyTimeout = busyTimeout
    this.#gids = new GidIndex(db)
    this.#applier = new BatchApplier(db, this.#tail, this.#gids)
    provideFingerprint(db.database)
  }

  /** Commits the batches durably and returns the outcome of each. */
  commit(batches: ReadonlyArray<MessageRow | WriteBatch>): Extract<FromWriter, { readonly _tag: "Done" | "Failed" }> {
    const numbers: Array<number> = []
    const ended: Array<ReadonlyArray<string>> = []
    const refused: Array<readonly [number, Refusal]> = []
    // The entry to revert to after a rollback; undefined if another connection may have written.
    let newest: number | undefined
    try {
      if (this.#begin()) this.#applier.invalidate()
      newest = this.#tail.isLoaded ? this.#tail.newest : undefined
      /** The first failure of a message, and the senders of failed ones. */
      let failure: Refusal | undefined
      const failed: Array<Sender> = []
      for (const [index, batch] of batches.entries()) {
        const sender: Sender | undefined = isMessageAppend(batch) ? { by: batch[2], device: batch[3] } : undefined
        // A sender's later message is not stored before the failed one is sent again.
        const isLater = failure !== undefined && sender !== undefined && followsFailed(failed)(sender)
        const refusal = isLater ? failure : this.#applier.apply(batch, numbers, ended)
        if (refusal === undefined) continue
        refused.push([index, refusal])
        if (refusal._tag !== "Failed" || sender === undefined || isLater) continue
        failure = refusal
        failed.push(sender)
      }
      this.#db.prepare("COMMIT").run()
      return { _tag: "Done", numbers, ended, refused }
    } catch (cause) {
      this.#applier.truncate(newest)
      if (this.#db.database.isTransaction) this.#db.prepare("ROLLBACK").run()
      return { _tag: "Failed", cause }
    }
  }

  /** Returns the messages with these gids, including those of the last transaction. */
  find(gids: ReadonlyArray<string>): ReadonlyArray<EntryId> {
    return this.#db.snapshot(() => {
      this.#applier.load()
      return gids.flatMap((gid) => this.#gids.find(gid) ?? [])
    })
  }

  /** Number of entries missing from the index by chat; 0 while the tail is not loaded. */
  get unindexed(): number {
    return this.#tail.size
  }

  /** Number of messages missing from the index by gid. */
  get bufferedGids(): number {
    return this.#gids.size
  }

  /**
   * Adds at most `most` entries to each of the log's indexes; `keep` messages may stay out of the one by gid. Throws on
   * failure, without effect: missing entries are read from the log. If the index by chat contradicts the log, rebuilds
   * both (seconds for a million messages) and returns the error that showed it.
   */
  index(most = Infinity, keep = 0): unknown {
    if (this.#tail.isLoaded && this.#tail.size === 0 && this.#gids.size <= keep) return undefined
    const { database } = this.#db
    // Not flushed: the write-ahead log is ordered, so a power cut can only lose index entries together with their mark,
    // never an acknowledged message.
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
    this.#beginIndexing()
    if (this.#tail.size === 0 && this.#gids.size <= keep) return
    const upto = this.#tail.nth(most)
    this.#db.run(EXTEND, upto)
    const { mark, onCommitted } = this.#gids.index(this.#tail.newest, most, keep)
    this.#db.run(MARK_INDEXED, upto, mark)
    this.#db.prepare("COMMIT").run()
    this.#tail.dropIndexed(upto)
    onCommitted()
  }

  #rebuild(): void {
    this.#beginIndexing()
    const { newest } = this.#tail
    this.#db.database.exec(EMPTY)
    this.#db.run(EXTEND, newest)
    this.#db.run(FINGERPRINTS)
    this.#db.run(MARK_INDEXED, newest, newest)
    this.#db.prepare("COMMIT").run()
    this.#tail.dropIndexed(newest)
    this.#gids.invalidate()
  }

  /** Begins a transaction for indexing. */
  #beginIndexing(): void {
    try {
      this.#db.prepare("BEGIN IMMEDIATE").run()
    } catch (cause) {
      // The holder of the lock may write.
      this.#applier.invalidate()
      throw cause
    }
    this.#applier.load()
  }

  /** Begins a transaction; returns whether it had to wait for another connection. */
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
