/**
 * Commits batches of any kind in one transaction of two round trips: the first one locks and loads what they are about, the second one
 * writes what they have changed. A batch that is refused changes nothing, and does not affect the others.
 */
import type { WriteBatch, WriteResult } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { SqlError } from "effect/sql/SqlError"
import type { Session } from "../Session.ts"
import { Columns, text } from "../values.ts"
import { applyWrite } from "./applyWrite.ts"
import { changesOf } from "./changes.ts"
import { checkBatch, type Refusal } from "./checkBatch.ts"
import { loadFacts } from "./loadFacts.ts"
import { Needs } from "./Needs.ts"

export type BatchOutcome = { readonly results: ReadonlyArray<WriteResult> } | { readonly refusal: Refusal }

/** A transaction that failed. */
export interface FailedTransaction {
  readonly error: SqlError
  /** Set if the transaction may have been committed: its id, and the outcomes if it was. */
  readonly unknown: { readonly transaction: string; readonly outcomes: ReadonlyArray<BatchOutcome> } | undefined
}

/** Commits the batches. Returns their outcomes, in order. */
export const commitBatches = (
  session: Session,
  batches: ReadonlyArray<WriteBatch>
): Effect.Effect<ReadonlyArray<BatchOutcome>, FailedTransaction> =>
  Effect.gen(function* () {
    const facts = yield* Effect.mapError(loadFacts(new Needs(batches), session), (error): FailedTransaction => ({
      error,
      unknown: undefined
    }))
    const outcomes = batches.map((batch): BatchOutcome => {
      const refusal = checkBatch(facts, batch)
      return refusal === undefined ? { results: batch.writes.map((write) => applyWrite(facts, write)) } : { refusal }
    })
    const written = yield* Effect.result(session.pipeline([...changesOf(facts), ["COMMIT", []]]))
    if (Result.isSuccess(written)) return outcomes
    return yield* Effect.fail({
      error: written.failure,
      unknown:
        session.isClosed || written.failure.reason._tag === "ConnectionError"
          ? { transaction: facts.transaction, outcomes }
          : undefined
    })
  }).pipe(
    // Also after a defect. The server itself rolls back the transaction of a lost connection.
    Effect.onError(() => Effect.ignore(session.query("ROLLBACK")))
  )

/**
 * The server's process of a lost connection is not ended: one that waits for a synchronous standby would count as committed, and be on
 * one machine only. It ends by its own timeouts.
 */
const STATUS = "SELECT pg_xact_status($1::text::xid8)"

/** Returns whether a transaction was committed; undefined while that is open. */
export const isCommitted = (session: Session, transaction: string): Effect.Effect<boolean | undefined, SqlError> =>
  Effect.map(session.query(STATUS, [text(transaction)]), ([row]) => {
    const status = row === undefined ? null : new Columns(row).textOrNull()
    return status === "in progress" ? undefined : status === "committed"
  })
