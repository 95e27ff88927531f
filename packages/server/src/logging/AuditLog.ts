/**
 * The audit log: writes log entries with the annotation `audit` (`@parley/core/Audit`) to a file that only its owner can
 * read. They are in the server's log too. `reopen` supports rotation.
 */
import { openSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import { LineOutput } from "./LineOutput.ts"
import { droppedLines } from "./ServerLog.ts"

const MODE = 0o600

const open = (path: string): LineOutput => new LineOutput(openSync(path, "a", MODE), droppedLines)

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

export interface AuditLog {
  /** Adds the file to the loggers. */
  readonly layer: Layer.Layer<never>
  /** Opens the path again; if that fails, logs an error and keeps the old file. */
  readonly reopen: Effect.Effect<void>
}

/** Opens the audit log until the scope closes; does nothing if the path is "". */
export const openAuditLog = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<AuditLog, CommandFailed, Scope.Scope> {
  if (path === "") return { layer: Layer.empty, reopen: Effect.void }
  let output: LineOutput = yield* Effect.try({
    try: () => open(path),
    catch: (cause) => new CommandFailed({ message: `the audit log ${path} cannot be opened: ${messageOf(cause)}` })
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => output.close()))
  const logger = Logger.make((options) => {
    if (options.fiber.getRef(References.CurrentLogAnnotations)["audit"] === undefined) return
    output.write(Logger.formatJson.log(options))
  })
  const reopen = Effect.try({ try: () => open(path), catch: messageOf }).pipe(
    Effect.matchEffect({
      onFailure: (reason) => Effect.logError(`the audit log ${path} cannot be opened: ${reason}`),
      onSuccess: (next) =>
        Effect.sync(() => {
          output.close()
          output = next
        })
    })
  )
  return { layer: Logger.layer([logger], { mergeWithExisting: true }), reopen }
})
