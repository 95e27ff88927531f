/** Users of an external directory as callers, and their refusals. */
import { Effect } from "effect"
import type { UserCaller } from "@parley/core/Event"
import { type Refused } from "@parley/core/Refused"
import { Users } from "@parley/core/Users"
import { uuid } from "./directoryFixture.ts"

/** An external user as a caller. */
export const callerOf = Effect.fnUntraced(function* (account: string) {
  const user = yield* (yield* Users).byExternalId(uuid(account))
  if (user === undefined) return yield* Effect.die(`no ${account}`)
  return { user: user.id, device: null } satisfies UserCaller
})

export const reasonOf = <A, R>(attempt: Effect.Effect<A, Refused, R>) =>
  Effect.map(Effect.flip(attempt), ({ reason }) => reason)
