/** Prepared statements of one connection, created on first use. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"

export class Statements {
  readonly database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** `sql` must be a constant, so that the number of cached statements is bounded by the code. */
  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) this.#prepared.set(sql, (statement = this.database.prepare(sql)))
    return statement
  }

  /** Returns the rows; `Row` has the columns that `sql` selects. */
  all<Row extends Record<string, SQLInputValue>>(sql: string, ...values: ReadonlyArray<SQLInputValue>): Array<Row> {
    return this.prepare(sql).all(...values) as Array<Row>
  }

  /** Returns the rows as lists, at a third of the cost; no other method may use the same `sql`. */
  lists<List extends ReadonlyArray<SQLOutputValue>>(sql: string, ...values: ReadonlyArray<SQLInputValue>): Array<List> {
    const statement = this.prepare(sql)
    statement.setReturnArrays(true)
    const rows: Array<unknown> = statement.all(...values)
    return rows as Array<List>
  }

  one<Row extends Record<string, SQLInputValue>>(
    sql: string,
    ...values: ReadonlyArray<SQLInputValue>
  ): Row | undefined {
    return this.prepare(sql).get(...values) as Row | undefined
  }

  /** Returns the number of changed rows. */
  run(sql: string, ...values: ReadonlyArray<SQLInputValue>): number {
    return Number(this.prepare(sql).run(...values).changes)
  }

  /** Returns the id of the inserted row. */
  insert(sql: string, ...values: ReadonlyArray<SQLInputValue>): number {
    return Number(this.prepare(sql).run(...values).lastInsertRowid)
  }

  /** Runs all reads on one snapshot of the database. */
  snapshot<A>(read: () => A): A {
    if (this.database.isTransaction) return read()
    this.prepare("BEGIN").run()
    try {
      return read()
    } finally {
      this.prepare("COMMIT").run()
    }
  }
}
