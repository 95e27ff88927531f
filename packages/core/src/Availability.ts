/** A storage that fails, told to a caller: logged with its cause, refused without it. */
import * as Effect from "effect/Effect"
import { type Refused, refuse } from "./Refused.ts"

/** `what` completes "… could not be read or written". */
export const available =
  (what: string) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Refused> =>
    Effect.catch(effect, (failed) =>
      Effect.andThen(Effect.logError(`${what} could not be read or written`, failed), refuse({ _tag: "Unavailable" }))
    )
