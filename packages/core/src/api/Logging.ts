/** The engine's log, written to a host's own logger. */
import * as Cause from "effect/Cause"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

/** One line for the `log` option. */
export interface LogLine {
  /** Severity of the line. */
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal"
  /** One sentence. */
  readonly message: string
  /** The logged failure, if any. */
  readonly error?: unknown
  /**
   * Annotations of the line: `account` and `address` of a failed login, `audit` and its details, `count` of throttled
   * lines.
   */
  readonly details?: Readonly<Record<string, unknown>>
  /** Time of the line. */
  readonly at: Date
}

const LEVELS: Readonly<Record<string, LogLine["level"]>> = {
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal"
}

/** Replaces the console logger. Errors of `write` are dropped, since they cannot be logged. */
export const logTo = (write: (line: LogLine) => void): Layer.Layer<never> =>
  Logger.layer([
    Logger.make(({ logLevel, message, cause, date, fiber }) => {
      const parts = [message].flat()
      const text = parts.filter((part) => typeof part === "string").join(" ")
      const error = cause.reasons.length > 0 ? Cause.squash(cause) : parts.find((part) => typeof part !== "string")
      const details = fiber.getRef(References.CurrentLogAnnotations)
      try {
        write({
          level: LEVELS[logLevel] ?? "info",
          message: text,
          ...(error !== undefined && { error: Cause.isCause(error) ? Cause.squash(error) : error }),
          ...(Object.keys(details).length > 0 && { details }),
          at: date
        })
      } catch {
        return
      }
    })
  ])
