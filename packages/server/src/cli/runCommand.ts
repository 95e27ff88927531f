/**
 * Carries out one of the operator's commands: in this process when the database is free, else in the server that holds
 * it, where it takes effect at once.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { controlAddress } from "../control/socketPath.ts"
import { askServer } from "../control/client.ts"
import { carryOut } from "../control/server.ts"
import type { Request } from "../control/protocol.ts"
import type { Configuration } from "../config/Configuration.ts"
import { openAuditLog } from "../logging/AuditLog.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import type { CliContext } from "./CliContext.ts"

/**
 * The holder may be a server that is just starting or stopping, or another command: neither has a socket, and both are
 * soon through with it.
 */
const PATIENCE = { schedule: Schedule.spaced(Duration.millis(250)), times: 8 }

class DatabaseInUse extends Data.TaggedError("Taken")<{ readonly message: string }> {}

/** What the command prints. A database that does not exist is made with `create` only: the path may be a mistake. */
export const runCommand = Effect.fnUntraced(function* (
  parts: CliContext,
  configuration: Configuration,
  request: Request,
  create: boolean
) {
  const { database } = configuration.serve
  if (database._tag === "Memory") {
    return yield* new CommandFailed({
      message: "a database in memory ends with its server and cannot be reached; give --database sqlite:<path>"
    })
  }
  const address = yield* controlAddress(database.file)
  const isThere = Effect.suspend(() =>
    create || existsSync(database.file)
      ? Effect.void
      : Effect.fail(
          new CommandFailed({
            message: `there is no database ${resolve(database.file)}; give --database sqlite:<path>, or --create to make it`
          })
        )
  )
  const auditLog = yield* openAuditLog(configuration.serve.auditLog)
  const here = Effect.scoped(
    parts.open(configuration).pipe(
      Effect.mapError(({ message }) => new DatabaseInUse({ message })),
      Effect.flatMap((commands) =>
        carryOut(commands, request).pipe(Effect.mapError((message) => new CommandFailed({ message })))
      ),
      Effect.provide(auditLog.layer)
    )
  )
  return yield* askServer(address, request).pipe(
    Effect.catchTag("NoServer", () => Effect.andThen(isThere, here)),
    Effect.retry({ ...PATIENCE, while: (error) => error._tag === "Taken" }),
    Effect.catchTag("Taken", ({ message }) => Effect.fail(new CommandFailed({ message })))
  )
}, Effect.scoped)
