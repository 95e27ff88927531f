/** Storage failures: callers are refused without the cause, which is logged with throttling. */
import * as Effect from "effect/Effect"
import { logThrottled } from "../logging/LogThrottle.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { StorageFailed } from "./Store.ts"

/** Prefix of operations of the embedder's own directory. */
export const DIRECTORY = "directory."

/** Logs the failure: the first of a message immediately, further ones as a count once a minute. */
export const logStorageFailure = (message: string, cause: unknown): Effect.Effect<void> =>
  logThrottled({ key: message, level: "Error", message, cause })

/** Logs a failed operation of the store, or of the option `directory`. */
export const logFailedOperation = ({ operation, cause }: StorageFailed): Effect.Effect<void> =>
  logStorageFailure(operation.startsWith(DIRECTORY) ? `${operation} failed` : `storage failed: ${operation}`, cause)

/** Logs a storage failure and refuses with `Unavailable`. `what` completes "… could not be read or written". */
export const refuseOnStorageFailure =
  (what: string) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Refused> =>
    Effect.catch(effect, (failed) =>
      Effect.andThen(
        failed instanceof StorageFailed && failed.operation.startsWith(DIRECTORY)
          ? logFailedOperation(failed)
          : logStorageFailure(`${what} could not be read or written`, failed),
        refuse({ _tag: "Unavailable" })
      )
    )
