/** The server's log on standard error: for people on a terminal, else one JSON object in each line. */
import type * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { LineOutput } from "./LineOutput.ts"

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

/**
 * Standard output and error get listeners for their errors, and the log goes to standard error. A server that cannot write
 * a line goes on without it.
 */
export const openLog = (
  onOutputError: (error: NodeJS.ErrnoException) => void,
  options: { readonly level: "Info" | "Warn" }
): Layer.Layer<never> => {
  process.stdout.on("error", onOutputError)
  process.stderr.on("error", () => {})
  if (process.stderr.isTTY) return Logger.layer([from(options.level, Logger.consolePretty())])
  const output = new LineOutput(STDERR, droppedLines)
  process.on("exit", () => output.end())
  return Logger.layer([
    from(
      options.level,
      Logger.map(Logger.formatJson, (line) => output.write(line))
    )
  ])
}
