/** Storage failures: callers are refused without the cause, which is logged with throttling. */
import * as Effect from "effect/Effect"
import { logThrottled } from "../logging/LogThrottle.ts"
import { type Refused, refuse } from "../model/Refused.ts"

/** Logs the failure: the first of a message immediately, further ones as a count once a minute. */
export const logStorageFailure = (message: string, cause: unknown): Effect.Effect<void> =>
  logThrottled({ key: message, level: "Error", message, cause })

/** Logs a storage failure and refuses with `Unavailable`. `what` completes "… could not be read or written". */
export const refuseOnStorageFailure =
  (what: string) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Refused> =>
    Effect.catch(effect, (failed) =>
      Effect.andThen(logStorageFailure(`${what} could not be read or written`, failed), refuse({ _tag: "Unavailable" }))
    )
