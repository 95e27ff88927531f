/** The server's log on standard error: for people on a terminal, else one JSON object in each line. */
import * as Console from "effect/Console"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { formatEntry } from "./EntryFormat.ts"
import { LineOutput } from "./LineOutput.ts"
import { consoleOf, openTerminals, takeWarnings } from "./Terminal.ts"

const STDERR = 2

/** The lines of this level and above. */
const from = (level: "Info" | "Warn", logger: Logger.Logger<unknown, void>): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    if (LogLevel.isGreaterThanOrEqualTo(options.logLevel, level)) logger.log(options)
  })

/** The line in front of the first that could be written again. */
export const droppedLines = (count: number): string =>
  JSON.stringify({
    message: "log lines were dropped: they could not be written",
    level: "WARN",
    timestamp: new Date().toISOString(),
    annotations: { count }
  })

export interface ServerLog {
  /** The logger, and the console where a terminal must not block. */
  readonly layer: Layer.Layer<never>
  /** Writes a line to standard error. */
  readonly complain: (line: string) => void
}

/**
 * Standard output and error get listeners for their errors, and the log goes to standard error. A server that cannot write
 * a line goes on without it; a command waits for its terminal.
 */
export const openLog = (
  onOutputError: (error: NodeJS.ErrnoException) => void,
  options: { readonly isServing: boolean }
): ServerLog => {
  process.stdout.on("error", onOutputError)
  process.stderr.on("error", () => {})
  const terminals = options.isServing ? openTerminals() : {}
  const output = terminals.stderr ?? (process.stderr.isTTY ? undefined : new LineOutput(STDERR, droppedLines))
  const outputs = new Set([output, terminals.stdout])
  process.on("exit", () => {
    for (const one of outputs) one?.end()
  })
  if (terminals.stderr !== undefined) takeWarnings(terminals.stderr)
  const toStderr = (line: string): void => void process.stderr.write(`${line}\n`)
  const write = (line: string): void => (output === undefined ? toStderr(line) : output.write(line))
  const format = process.stderr.isTTY ? formatEntry(process.stderr.hasColors()) : Logger.formatJson
  return {
    layer: Layer.merge(
      Logger.layer([from(options.isServing ? "Info" : "Warn", Logger.map(format, write))]),
      Layer.succeed(Console.Console, consoleOf(terminals))
    ),
    complain: terminals.stderr === undefined ? toStderr : write
  }
}
