/** Storage failures: callers are refused without the cause, which is logged with throttling. */
import * as Effect from "effect/Effect"
import { logThrottled } from "../logging/LogThrottle.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { StorageFailed } from "./Store.ts"

/** Prefix of operations of the embedder's own directory. */
export const DIRECTORY = "directory."

/** Operation of the embedder's own visibility. */
export const VISIBILITY = "visibility"

/** Whether an operation is one of the embedder's own functions, which are named as the options are. */
const isOption = (operation: string): boolean => operation.startsWith(DIRECTORY) || operation === VISIBILITY

/** Logs the failure: the first of a message immediately, further ones as a count once a minute. */
export const logStorageFailure = (message: string, cause: unknown): Effect.Effect<void> =>
  logThrottled({ key: message, level: "Error", message, cause })

/** Logs a failed operation of the store, or of the options `directory` and `visibility`. */
export const logFailedOperation = ({ operation, cause }: StorageFailed): Effect.Effect<void> =>
  logStorageFailure(isOption(operation) ? `${operation} failed` : `storage failed: ${operation}`, cause)

/** Logs a storage failure and refuses with `Unavailable`. `what` completes "… could not be read or written". */
export const refuseOnStorageFailure =
  (what: string) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Refused> =>
    Effect.catch(effect, (failed) =>
      Effect.andThen(
        failed instanceof StorageFailed && isOption(failed.operation)
          ? logFailedOperation(failed)
          : logStorageFailure(`${what} could not be read or written`, failed),
        refuse({ _tag: "Unavailable" })
      )
    )
