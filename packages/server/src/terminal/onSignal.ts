/** Graceful end of a command by SIGTERM or SIGINT. */
import * as Effect from "effect/Effect"

/** Milliseconds after which the process exits regardless of open resources; the documentation promises 10 s. */
const DEADLINE = 9_000

/** Milliseconds in which a second signal counts as the same one: pnpm forwards a signal that the terminal sent to all. */
const DUPLICATE_WINDOW = 100

const SIGNALS = { SIGTERM: 15, SIGINT: 2 } as const

/**
 * Runs `program` until it ends or the process receives SIGTERM or SIGINT; then runs `stopping` and interrupts `program`,
 * whose finalizers have 9 s. A second signal exits at once.
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
      } else if (now - first > DUPLICATE_WINDOW) {
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
