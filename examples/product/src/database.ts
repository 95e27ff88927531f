/** The product's own database: SQLite, or PostgreSQL if `DATABASE_URL` is set. */
import { mkdirSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { Pool } from "pg"

export const databaseUrl = process.env["DATABASE_URL"]
/** Folder of the SQLite files. */
export const data = process.env["DATA"] ?? "data"

type Row = Readonly<Record<string, unknown>>

/** Runs a statement with a `?` for each value. */
export type Query = (sql: string, ...values: ReadonlyArray<string | number>) => Promise<ReadonlyArray<Row>>

const openSqlite = (): Query => {
  mkdirSync(data, { recursive: true })
  const database = new DatabaseSync(`${data}/product.db`)
  return async (sql, ...values) => database.prepare(sql).all(...values)
}

const openPostgres = (connectionString: string): Query => {
  const pool = new Pool({ connectionString })
  return async (sql, ...values) => {
    let count = 0
    const { rows } = await pool.query<Row>(
      sql.replaceAll("?", () => `$${++count}`),
      [...values]
    )
    return rows
  }
}

export const query: Query = databaseUrl === undefined ? openSqlite() : openPostgres(databaseUrl)

/** Marks for a list of values: `?, ?, ?`. */
export const marks = (values: ReadonlyArray<unknown>): string => values.map(() => "?").join(", ")
