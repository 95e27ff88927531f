/**
 * Runs an operator command: in this process if the database is not locked, otherwise in the server that holds it, where it
 * takes effect at once.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { controlAddressOf, type StoredDatabase } from "../control/socketPath.ts"
import { isServed, sendCommand } from "../control/client.ts"
import { executeCommand } from "../control/server.ts"
import type { Request } from "../control/protocol.ts"
import type { Configuration } from "../config/Configuration.ts"
import { displayDatabase } from "../config/ServeOptions.ts"
import { openAuditLog } from "../logging/AuditLog.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import type { CliContext } from "./CliContext.ts"

/** Retries for 2 s: a server that starts or stops, and another command, hold the database shortly without a socket. */
const LOCK_RETRY = { schedule: Schedule.spaced(Duration.millis(250)), times: 8 }

class DatabaseInUse extends Data.TaggedError("DatabaseInUse")<{ readonly message: string }> {}

/** Fails if the database does not exist yet. */
const requireStored = (database: StoredDatabase): Effect.Effect<void, CommandFailed> => {
  const missing = (message: string): CommandFailed => new CommandFailed({ message })
  if (database._tag === "Sqlite") {
    return existsSync(database.file)
      ? Effect.void
      : Effect.fail(
          missing(
            `there is no database ${resolve(database.file)}; give --database sqlite:<path>, or --create to create it`
          )
        )
  }
  return Effect.promise(() => import("@parley/adapter-postgres/PgStore")).pipe(
    Effect.flatMap((PgStore) => PgStore.exists({ url: database.url })),
    Effect.mapError(({ message }) => missing(message)),
    Effect.flatMap((isThere) =>
      isThere
        ? Effect.void
        : Effect.fail(
            missing(
              `the database ${displayDatabase(database)} has no tables of Parley; give --database postgres://…, or --create to create them`
            )
          )
    )
  )
}

/** Options of running a command. */
interface RunOptions {
  /** Creates a missing database; otherwise its path may be a typo. */
  readonly create: boolean
  /** Refuses the command while a server uses the database. */
  readonly isOffline: boolean
}

const serverRuns = new CommandFailed({
  message: "a server uses this database: stop it, run the command, and start it again"
})

/** Returns the command's output. */
export const runCommand = Effect.fnUntraced(function* (
  context: CliContext,
  configuration: Configuration,
  request: Request,
  { create, isOffline }: RunOptions
) {
  const { database } = configuration.serve
  if (database._tag === "Memory") {
    return yield* new CommandFailed({
      message: "commands cannot reach a database in memory; give --database sqlite:<path> or postgres://…"
    })
  }
  const address = yield* controlAddressOf(database)
  const requireDatabase = create ? Effect.void : requireStored(database)
  const auditLog = yield* openAuditLog(configuration.serve.auditLog)
  const runLocally = Effect.scoped(
    context.open(configuration, { isAlone: isOffline }).pipe(
      Effect.mapError(({ message }) => new DatabaseInUse({ message })),
      Effect.flatMap((commands) =>
        executeCommand(commands, request).pipe(Effect.mapError((message) => new CommandFailed({ message })))
      ),
      Effect.provide(auditLog.layer)
    )
  )
  const runAlone = Effect.flatMap(isServed(address), (served) =>
    served ? Effect.fail(serverRuns) : Effect.andThen(requireDatabase, runLocally)
  )
  const run = isOffline
    ? runAlone
    : sendCommand(address, request).pipe(Effect.catchTag("NoServer", () => Effect.andThen(requireDatabase, runLocally)))
  return yield* run.pipe(
    Effect.retry({ ...LOCK_RETRY, while: (error) => error._tag === "DatabaseInUse" }),
    Effect.catchTag("DatabaseInUse", ({ message }) => Effect.fail(new CommandFailed({ message })))
  )
}, Effect.scoped)
