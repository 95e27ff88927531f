/** The end of a command that runs until it is stopped. */
import * as Effect from "effect/Effect"

/** Milliseconds after which the process ends whatever is still open: ten seconds are promised. */
const DEADLINE = 9_500

/** Milliseconds in which a second signal is the same one: a runner such as pnpm passes on what the terminal sent to all. */
const ECHO = 100

const SIGNALS = { SIGTERM: 15, SIGINT: 2 } as const

/**
 * Runs `program` until it ends or the process is told to stop by SIGTERM or SIGINT; then `program` is interrupted, and
 * has ten seconds to close what it opened; `stopping` is run before. A second signal ends the process at once.
 */
export const untilStopped = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  stopping: (signal: NodeJS.Signals) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<A | void, E, R> =>
  Effect.suspend(() => {
    let first: number | undefined
    let by: NodeJS.Signals = "SIGTERM"
    let stop = () => {}
    const onSignal = (signal: NodeJS.Signals) => {
      const now = performance.now()
      if (first === undefined) {
        first = now
        by = signal
        setTimeout(() => process.exit(0), DEADLINE).unref()
        stop()
      } else if (now - first > ECHO) {
        process.exit(128 + (signal === "SIGINT" ? SIGNALS.SIGINT : SIGNALS.SIGTERM))
      }
    }
    for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal)
    const stopped = Effect.callback<void>((resume) => {
      stop = () => resume(Effect.void)
      if (first !== undefined) stop()
    })
    return Effect.raceFirst(
      program,
      Effect.andThen(
        stopped,
        Effect.suspend(() => stopping(by))
      )
    )
  })
