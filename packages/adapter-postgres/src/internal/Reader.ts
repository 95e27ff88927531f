/**
 * Reads on a few connections of their own, which all reads share: those of one turn of the event loop travel together. A read that
 * finds its connection lost is repeated on another one for a while, since a failover of the database takes about a second.
 */
import type { Parameter } from "@effect/sql-pg/PgTypes"
import { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { causeOf } from "./errors.ts"
import type { Rows } from "./Session.ts"
import type { Row } from "./values.ts"

/** Runs queries, and converts their rows. */
export class Reader {
  readonly #query: (sql: string, parameters: ReadonlyArray<Parameter>) => Effect.Effect<Rows, SqlError>

  constructor(query: (sql: string, parameters: ReadonlyArray<Parameter>) => Effect.Effect<Rows, SqlError>) {
    this.#query = query
  }

  rows(operation: string, sql: string, parameters: ReadonlyArray<Parameter>): Effect.Effect<Rows, StorageFailed> {
    return Effect.mapError(
      this.#query(sql, parameters),
      (error) => new StorageFailed({ operation, cause: causeOf(error) })
    )
  }

  first<A>(
    operation: string,
    convert: (row: Row) => A,
    sql: string,
    parameters: ReadonlyArray<Parameter>
  ): Effect.Effect<A | undefined, StorageFailed> {
    return Effect.map(this.rows(operation, sql, parameters), ([row]) => (row === undefined ? undefined : convert(row)))
  }

  /** Runs a query by `keys`; without keys it is not sent. */
  all<A>(
    operation: string,
    convert: (row: Row) => A,
    sql: string,
    keys: ReadonlyArray<unknown>,
    parameters: ReadonlyArray<Parameter>
  ): Effect.Effect<ReadonlyArray<A>, StorageFailed> {
    if (keys.length === 0) return Effect.succeed([])
    return Effect.map(this.rows(operation, sql, parameters), (rows) => rows.map(convert))
  }
}
