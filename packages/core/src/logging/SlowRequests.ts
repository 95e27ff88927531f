/** Logs requests that were slow, throttled by key, regardless of their result. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type ThrottledLine, logThrottled } from "./LogThrottle.ts"

/** Milliseconds from which a request is slow. */
export const SLOW_MS = 2000

/** Runs the request; `line` is called with its duration in milliseconds if it was slow. Clock steps do not count. */
export const noteSlow = <A, E, R>(
  request: Effect.Effect<A, E, R>,
  line: (milliseconds: number) => Pick<ThrottledLine, "key" | "details">
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.suspend(() => {
      const began = clock.monotonicTimeNanosUnsafe()
      return Effect.onExit(request, () => {
        const milliseconds = Number((clock.monotonicTimeNanosUnsafe() - began) / 1_000_000n)
        return milliseconds < SLOW_MS
          ? Effect.void
          : logThrottled({ level: "Info", message: "slow request", ...line(milliseconds) })
      })
    })
  )
