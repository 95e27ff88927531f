/** The command `parley db check`: verifies a database, while the server runs or without it. */
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Progress } from "@parley/core/Progress"
import type { Finding, Verification } from "@parley/core/StoreInvariants"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type Database, displayDatabase } from "../config/ServeOptions.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import { printable } from "../terminal/printable.ts"
import { makeProgressLine } from "../terminal/ProgressLine.ts"
import type { CliContext } from "./CliContext.ts"
import { configFlag, databaseFlag, readConfiguration } from "./flags.ts"

/** The database is read by this process itself, so that a server is not held up. */
const verify = (database: Database): Effect.Effect<Verification, { readonly message: string }> => {
  switch (database._tag) {
    case "Memory":
      return Effect.fail({ message: "a database in memory cannot be verified; give --database sqlite:<path>" })
    case "Sqlite":
      return SqliteStore.verify({ file: database.file })
    case "Postgres":
      return Effect.flatMap(
        Effect.promise(() => import("@parley/adapter-postgres/PgStore")),
        (PgStore) => PgStore.verify({ url: database.url })
      )
  }
}

const line = ({ chat, part, text, user }: Finding): string =>
  [part, ...(chat === null ? [] : [`chat ${chat}`]), ...(user === null ? [] : [`user ${user}`])].join(", ") +
  `: ${text}`

const counts = ({ checked }: Verification): string =>
  Object.entries(checked)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ")

const report = (database: string, found: Verification): string =>
  [
    ...found.findings.map((finding) => printable(line(finding))),
    ...(found.count > found.findings.length ? [`and ${found.count - found.findings.length} more`] : []),
    `${database}: ${counts(found)}; ${found.count === 0 ? "no violations" : `violations: ${found.count}`}`
  ].join("\n")

const check = (context: CliContext) =>
  Command.make(
    "check",
    {
      database: databaseFlag,
      config: configFlag,
      json: Flag.Boolean("json").pipe(
        Flag.withDescription("Print a JSON object with the findings"),
        Flag.withDefault(false)
      )
    },
    Effect.fnUntraced(function* ({ json, ...flags }) {
      const { serve } = yield* readConfiguration(context.dialectSettings, flags)
      const database = displayDatabase(serve.database)
      const progress = makeProgressLine(process.stderr)
      const found = yield* verify(serve.database).pipe(
        Effect.mapError(({ message }) => new CommandFailed({ message })),
        Effect.provideService(Progress, progress.report),
        Effect.ensuring(Effect.sync(progress.end))
      )
      yield* Console.log(json ? JSON.stringify({ database, ...found }, undefined, 2) : report(database, found))
      if (found.count > 0) {
        return yield* new CommandFailed({ message: `the database violates its invariants (${found.count})` })
      }
    })
  ).pipe(
    Command.withDescription("Verify logs, members, cursors, indexes and references of the database, which is only read")
  )

export const dbCommand = (context: CliContext) =>
  Command.make("db").pipe(Command.withDescription("Verify the database"), Command.withSubcommands([check(context)]))
