/** The command `parley serve`. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { controlAddressOf } from "../control/socketPath.ts"
import { isServed } from "../control/client.ts"
import { serveControl } from "../control/server.ts"
import { openAuditLog } from "../logging/AuditLog.ts"
import { logStart } from "./StartLine.ts"
import { readConfiguration, serveFlags } from "./flags.ts"
import { type RunningServer, urlOf } from "../server.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import type { CliContext } from "./CliContext.ts"
import { handleSignals } from "./reloadSignal.ts"
import { untilStopped } from "../terminal/onSignal.ts"

export const serveCommand = (context: CliContext) =>
  Command.make(
    "serve",
    serveFlags,
    Effect.fnUntraced(function* (flags) {
      const configuration = yield* readConfiguration(context.dialectSettings, flags)
      const auditLog = yield* openAuditLog(configuration.serve.auditLog)
      yield* handleSignals(auditLog.reopen)
      const serving = Effect.gen(function* () {
        const running = yield* context
          .start(configuration)
          .pipe(Effect.mapError(({ message }) => new CommandFailed({ message })))
        const { database } = configuration.serve
        // Opened last and closed first, so that commands complete while everything else is still open.
        if (database._tag !== "Memory") {
          const address = yield* controlAddressOf(database)
          // Of several nodes of one database on this machine the first one replies.
          if (database._tag === "Sqlite" || !(yield* isServed(address))) yield* serveControl(address, running.commands)
        }
        yield* logStart(context.version, context.dialectSettings, configuration, running)
        yield* Console.log(readyLine(running))
        return yield* Effect.never
      }).pipe(Effect.provide(auditLog.layer))
      yield* untilStopped(Effect.scoped(serving), (signal) =>
        Effect.annotateLogs(Effect.logInfo("stopping"), { signal })
      )
      yield* Effect.logInfo("stopped")
    }, Effect.scoped)
  ).pipe(
    Command.withDescription("Run the server until it is stopped by SIGTERM or SIGINT (Ctrl-C)"),
    Command.withExamples([
      { command: "parley serve --demo", description: "At http://127.0.0.1:8080, with demonstration data" },
      { command: "parley serve --host 0.0.0.0 --database sqlite:/var/lib/parley/parley.db" },
      { command: "parley serve --set sessions=multi --set limits.frame=65536" }
    ])
  )

/** Returns the line that is printed when the server is ready; other programs wait for it. */
export const readyLine = ({ http, tcp }: Pick<RunningServer, "http" | "tcp">): string =>
  ["listening", urlOf("http", http), ...(tcp === undefined ? [] : [urlOf("tcp", tcp)])].join(" ")
