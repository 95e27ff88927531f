/** Logs requests that took long to answer, gathered by key, whatever came of them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type ThrottledLine, logThrottled } from "./LogThrottle.ts"

/** Milliseconds from which a request is slow. */
export const SLOW = 2000

/** Runs the request; `line` is called with its milliseconds if it was slow. A clock step is not time that passed. */
export const noteSlow = <A, E, R>(
  request: Effect.Effect<A, E, R>,
  line: (milliseconds: number) => Pick<ThrottledLine, "key" | "details">
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.suspend(() => {
      const began = clock.monotonicTimeNanosUnsafe()
      return Effect.onExit(request, () => {
        const milliseconds = Number((clock.monotonicTimeNanosUnsafe() - began) / 1_000_000n)
        return milliseconds < SLOW
          ? Effect.void
          : logThrottled({ level: "Info", message: "slow request", ...line(milliseconds) })
      })
    })
  )
