/** Prepared statements of one connection, made when they are first needed. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"

export class Statements {
  readonly database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** `sql` is a constant of this package: the statements kept are as many as there are places in the code. */
  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) this.#prepared.set(sql, (statement = this.database.prepare(sql)))
    return statement
  }

  /** The rows; `Row` has the columns that `sql` selects. */
  all<Row extends Record<string, SQLInputValue>>(sql: string, ...values: ReadonlyArray<SQLInputValue>): Array<Row> {
    return this.prepare(sql).all(...values) as Array<Row>
  }

  /** The rows as lists of what `sql` selects, at a third of the cost; no other method may be given the same `sql`. */
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

  /** How many rows it changed. */
  run(sql: string, ...values: ReadonlyArray<SQLInputValue>): number {
    return Number(this.prepare(sql).run(...values).changes)
  }

  /** The id of the row that it inserted. */
  insert(sql: string, ...values: ReadonlyArray<SQLInputValue>): number {
    return Number(this.prepare(sql).run(...values).lastInsertRowid)
  }

  /** All that is read within sees the database at one moment, whatever is committed meanwhile. */
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
