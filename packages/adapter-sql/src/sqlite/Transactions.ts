/** Lists of units, each list one transaction; and the log's indexes, brought up to it by transactions of their own. */
import type { Unit } from "@parley/core/Store"
import { Applying } from "./Apply.ts"
import { isBusy, isTaken } from "./Failure.ts"
import type { Statements } from "./Statements.ts"
import { Tail } from "./Tail.ts"
import type { FromWriter, PostRow, Refusal } from "./Wire.ts"

const INDEX = [
  `INSERT INTO log_by_chat (chat, seq, id)
   SELECT chat, seq, id FROM log WHERE id > (SELECT upto FROM log_indexed) AND id <= ? ORDER BY chat, seq`,
  `INSERT INTO log_by_gid (gid, id)
   SELECT gid, id FROM log WHERE id > (SELECT upto FROM log_indexed) AND id <= ? AND gid IS NOT NULL ORDER BY gid`,
  "UPDATE log_indexed SET upto = ?"
]

const EMPTY = "DELETE FROM log_by_chat; DELETE FROM log_by_gid; UPDATE log_indexed SET upto = 0"

export class Transactions {
  readonly #db: Statements
  readonly #tail = new Tail()
  readonly #applying: Applying
  readonly #patience: number

  /** `patience`: milliseconds for the transaction of somebody else to end, beside what the connection itself waits. */
  constructor(db: Statements, patience = 0) {
    this.#db = db
    this.#patience = patience
    this.#applying = new Applying(db, this.#tail)
  }

  /** What became of each unit, once all that took effect is on the disk. */
  commit(units: ReadonlyArray<PostRow | Unit>): Exclude<FromWriter, { readonly _tag: "Ready" }> {
    const numbers: Array<number> = []
    const refused: Array<readonly [number, Refusal]> = []
    try {
      this.#begin()
      for (const [index, unit] of units.entries()) {
        const refusal = this.#applying.unit(unit, numbers)
        if (refusal !== undefined) refused.push([index, refusal])
      }
      this.#db.prepare("COMMIT").run()
      return { _tag: "Done", numbers, refused }
    } catch (cause) {
      // What was remembered of the chats may never have come to be, or somebody who held the database has written.
      this.#applying.forget()
      if (this.#db.database.isTransaction) this.#db.prepare("ROLLBACK").run()
      return { _tag: "Failed", cause }
    }
  }

  /** How many entries the log's indexes do not have yet, as far as is known. */
  get unindexed(): number {
    return this.#tail.size
  }

  /**
   * Brings the log's indexes up to its end, by at most so many entries. Throws when it cannot: then they are where they
   * were, and nothing is lost, since what they lack is read from the log. Where they are at odds with the log they are
   * made anew, whole, and it answers what showed that: in the order of some seconds for a million messages.
   */
  index(most = Infinity): unknown {
    if (this.#tail.isKnown && this.#tail.size === 0) return undefined
    const { database } = this.#db
    // Not flushed: the write-ahead log keeps its order, so a power cut can only lose index entries together with the
    // mark that says they are there, and never a message that was answered. Those are flushed as before.
    database.exec("PRAGMA synchronous = NORMAL")
    try {
      this.#db.prepare("BEGIN IMMEDIATE").run()
      if (!this.#tail.isKnown) this.#tail.follow(this.#db)
      if (this.#tail.size === 0) return undefined
      let upto = this.#tail.nth(most)
      const odds = this.#extend(upto)
      if (odds !== undefined) {
        upto = this.#tail.newest
        database.exec(EMPTY)
        const still = this.#extend(upto)
        if (still !== undefined) throw still
      }
      this.#db.prepare("COMMIT").run()
      this.#tail.begin(upto)
      return odds
    } finally {
      if (database.isTransaction) this.#db.prepare("ROLLBACK").run()
      database.exec("PRAGMA synchronous = FULL")
    }
  }

  /** The entries up to `upto`. Answers the error that says that something of theirs is there already. */
  #extend(upto: number): unknown {
    try {
      for (const sql of INDEX) this.#db.prepare(sql).run(upto)
      return undefined
    } catch (cause) {
      if (!isTaken(cause)) throw cause
      return cause
    }
  }

  /** Each attempt waits as long as the connection's own timeout says. */
  #begin(): void {
    const until = performance.now() + this.#patience
    for (;;) {
      try {
        this.#db.prepare("BEGIN IMMEDIATE").run()
        return
      } catch (cause) {
        if (!isBusy(cause) || performance.now() >= until) throw cause
      }
    }
  }
}
