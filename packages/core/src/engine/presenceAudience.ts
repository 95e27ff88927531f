/** Decides who gets presence events, by the visibility in force. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { idsOf, type VisibleUsers } from "../cache/VisibleUsers.ts"
import type { PresenceAudience } from "../delivery/PresenceAudience.ts"
import { logFailedOperation } from "../ports/StorageErrors.ts"

/** Events whose recipients cannot be decided are logged and not sent. */
export const presenceAudience = (visibility: VisibleUsers): Effect.Effect<PresenceAudience> =>
  Effect.gen(function* () {
    const { classOf } = visibility
    if (classOf !== undefined) return { _tag: "Classes", classOf }
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    // One at a time: events of one user stay in their order.
    const turn = yield* Semaphore.make(1)
    return {
      _tag: "Events",
      resolve: (event, online, callback) => {
        const deciding = Effect.flatMap(visibility.viewersOf(event.user, online), (viewers) =>
          Effect.sync(() => callback(idsOf(viewers)))
        )
        fork(turn.withPermits(1)(Effect.catch(deciding, logFailedOperation)))
      }
    }
  })
