/** Lists of units, each list one transaction. */
import type { Unit } from "@parley/core/Store"
import { Applying } from "./Apply.ts"
import { isBusy } from "./Failure.ts"
import type { Statements } from "./Statements.ts"
import type { FromWriter, Post, Refusal } from "./Wire.ts"

export class Transactions {
  readonly #db: Statements
  readonly #applying: Applying
  readonly #patience: number

  /** `patience`: milliseconds for the transaction of somebody else to end, beside what the connection itself waits. */
  constructor(db: Statements, patience = 0) {
    this.#db = db
    this.#patience = patience
    this.#applying = new Applying(db)
  }

  /** What became of each unit, once all that took effect is on the disk. */
  commit(units: ReadonlyArray<Post | Unit>): Exclude<FromWriter, { readonly _tag: "Ready" }> {
    const numbers: Array<number> = []
    const refused: Array<readonly [number, Refusal]> = []
    try {
      this.#begin()
      for (const [index, unit] of units.entries()) {
        const refusal = this.#applying.unit(unit, numbers)
        if (refusal !== undefined) refused.push([index, refusal])
      }
      this.#db.prepare("COMMIT").run()
      return { _tag: "Done", numbers: Float64Array.from(numbers), refused }
    } catch (cause) {
      // What was remembered of the chats may never have come to be.
      this.#applying.forget()
      if (this.#db.database.isTransaction) this.#db.prepare("ROLLBACK").run()
      return { _tag: "Failed", cause }
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
