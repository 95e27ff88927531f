/** The command `parley backup`: a copy of the database, while the server runs. */
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import type { OperatorCommand } from "@parley/core/Dialect"
import * as Effect from "effect/Effect"
import type { Database } from "../config/ServeOptions.ts"

const MEBIBYTE = 1024 * 1024

/** `database`: that of the process which runs the command. */
export const backupCommands = (database: Database): ReadonlyArray<OperatorCommand> => [
  {
    path: ["backup"],
    description: "Copy the database to a new file, while the server runs or without it; uploaded files are not in it",
    inputs: [
      { name: "target", kind: "text", positional: true, required: true, description: "The new file; it must not exist" }
    ],
    run: Effect.fnUntraced(function* (inputs) {
      if (database._tag !== "Sqlite") {
        return yield* Effect.fail("only SQLite databases are copied; use pg_dump or the backups of your PostgreSQL")
      }
      const to = String(inputs["target"])
      const size = yield* Effect.mapError(SqliteStore.backup({ file: database.file, to }), ({ message }) => message)
      return `${to} has ${(size / MEBIBYTE).toFixed(1)} MiB`
    })
  }
]
