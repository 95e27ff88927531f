/** The server's log on standard error: for people on a terminal, else one JSON object in each line. */
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { LineOutput } from "./LineOutput.ts"

const STDERR = 2

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
export const openLog = (onOutputError: (error: NodeJS.ErrnoException) => void): Layer.Layer<never> => {
  process.stdout.on("error", onOutputError)
  process.stderr.on("error", () => {})
  if (process.stderr.isTTY) return Logger.layer([Logger.consolePretty()])
  const output = new LineOutput(STDERR, droppedLines)
  process.on("exit", () => output.end())
  return Logger.layer([Logger.map(Logger.formatJson, (line) => output.write(line))])
}
