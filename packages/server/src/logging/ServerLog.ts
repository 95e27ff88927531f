/** The server's log on standard error: human-readable on a terminal, otherwise one JSON object per line. */
import * as Console from "effect/Console"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { formatEntry } from "./EntryFormat.ts"
import { LineOutput } from "./LineOutput.ts"
import { consoleOf, openTerminals, takeWarnings } from "./Terminal.ts"

const STDERR = 2

/** Passes entries of this level and above to the logger. */
const from = (level: "Info" | "Warn", logger: Logger.Logger<unknown, void>): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    if (LogLevel.isGreaterThanOrEqualTo(options.logLevel, level)) logger.log(options)
  })

/** Returns the log line that reports the number of dropped lines. */
export const droppedLines = (count: number): string =>
  JSON.stringify({
    message: "log lines were dropped: they could not be written",
    level: "WARN",
    timestamp: new Date().toISOString(),
    annotations: { count }
  })

export interface ServerLog {
  /** The logger, and a console that does not block on terminals of a server. */
  readonly layer: Layer.Layer<never>
  /** Writes a line to standard error. */
  readonly printError: (line: string) => void
}

/**
 * Sends the log to standard error, and handles errors of standard output and error. A server drops lines that it cannot
 * write; a command waits for its terminal.
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
    printError: terminals.stderr === undefined ? toStderr : write
  }
}
