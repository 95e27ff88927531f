/**
 * Throttles equal log lines. The first line of a key is logged immediately; further ones are counted and logged as one line
 * with `count` when the minute is over. Refused connections, failed logins and a failing disk would otherwise fill the
 * log.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"

/** One log line. It never contains a secret, a query string or the content of a message. */
export interface ThrottledLine {
  /** Lines with the same key are throttled together: the message with the account or address, for example. */
  readonly key: string
  /** Level of the line in the log. */
  readonly level: "Info" | "Warn" | "Error"
  /** The same text for all lines of a kind, without the details. */
  readonly message: string
  /** Annotations of the line; a summary line has those of the last one. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>
  /** Cause of the failure; a summary line has that of the last one. */
  readonly cause?: unknown
}

/** Milliseconds for which lines of one key are counted. */
export const WINDOW_MS = 60_000

/** At most 1,000 keys at one time; lines of further keys are throttled by their message alone. */
export const MAX_KEYS = 1000

interface CountedLine {
  line: ThrottledLine
  /** Lines since the last one that was logged. */
  count: number
  /** Milliseconds since 1970 at which the count is logged. */
  due: number
}

const write = ({ level, message, details = {}, cause }: ThrottledLine, count: number): Effect.Effect<void> =>
  Effect.annotateLogs(
    cause === undefined ? Effect.logWithLevel(level)(message) : Effect.logWithLevel(level)(message, cause),
    count > 1 ? { ...details, count } : details
  )

/** Throttle of log lines: equal ones are counted, and logged once a minute. */
export interface LogThrottling {
  /** Logs the line, or counts it. It neither waits nor throws, so callbacks may call it. */
  readonly note: (line: ThrottledLine) => void
}

/** The throttle in use. Every engine has its own; outside an engine, each line is logged. */
export const LogThrottle: Context.Reference<LogThrottling> = Context.Reference<LogThrottling>(
  "@parley/core/LogThrottle",
  { defaultValue: () => ({ note: (line) => void Effect.runFork(write(line, 1)) }) }
)

/** Calls `LogThrottling.note` of the throttle in use. */
export const logThrottled = (line: ThrottledLine): Effect.Effect<void> =>
  Effect.map(LogThrottle, ({ note }) => note(line))

/**
 * Makes a throttle that logs with the loggers and the clock of this context; pending counts are logged when the scope
 * closes.
 */
export const make = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  // Ordered by due time: a key moves to the end whenever its window restarts.
  const counted = new Map<string, CountedLine>()
  let sweeping: Fiber.Fiber<void> | undefined

  const logCounted = ({ line, count }: CountedLine): Effect.Effect<void> =>
    count === 0 ? Effect.void : write(line, count)

  const sweep: Effect.Effect<void> = Effect.gen(function* () {
    for (;;) {
      const [next] = counted
      if (next === undefined) break
      const [key, entry] = next
      const left = entry.due - clock.currentTimeMillisUnsafe()
      if (left > 0) yield* Effect.sleep(left)
      // Lines may have been added during the sleep; the entry still exists, since only this fiber removes it.
      counted.delete(key)
      if (entry.count > 0) {
        yield* logCounted(entry)
        counted.set(key, { line: entry.line, count: 0, due: clock.currentTimeMillisUnsafe() + WINDOW_MS })
      }
    }
    sweeping = undefined
  })

  const note = (line: ThrottledLine): void => {
    const key = counted.has(line.key) || counted.size < MAX_KEYS ? line.key : line.message
    const earlier = counted.get(key)
    if (earlier !== undefined) {
      earlier.count++
      earlier.line = line
      return
    }
    counted.set(key, { line, count: 0, due: clock.currentTimeMillisUnsafe() + WINDOW_MS })
    fork(write(line, 1))
    sweeping ??= fork(sweep)
  }

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      if (sweeping !== undefined) yield* Fiber.interrupt(sweeping)
      for (const entry of counted.values()) yield* logCounted(entry)
      counted.clear()
    })
  )
  return { note }
})

/** Layer with a throttle of its own; pending counts are logged when its scope closes. */
export const layer: Layer.Layer<never> = Layer.effect(LogThrottle, make)
