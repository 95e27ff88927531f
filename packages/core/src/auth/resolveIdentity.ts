import * as Effect from "effect/Effect"
import type { UserCache } from "../cache/UserCache.ts"
import { UserId } from "../model/Ids.ts"
import type { User } from "../model/User.ts"
import type { Identity } from "../ports/Authenticator.ts"
import type { StorageFailed } from "../ports/Store.ts"

/**
 * Returns the user of an authenticator's identity. Without a user directory, strings are rejected. With one, numbers are
 * rejected: they would be taken for internal ids and allow impersonation.
 */
export const resolveIdentity = (
  users: UserCache,
  identity: Identity
): Effect.Effect<User | undefined, StorageFailed> => {
  if (identity === undefined || identity === null) return Effect.undefined
  if (typeof identity === "number") {
    if (users.external === undefined) return users.find(UserId(identity))
    return Effect.as(
      Effect.logWarning("the authenticator returned a number: ids of the external directory are strings"),
      undefined
    )
  }
  if (users.external !== undefined) return Effect.map(users.byExternalId([identity]), ([user]) => user)
  return Effect.as(
    Effect.logWarning("the authenticator returned a string, which only an id of an external directory can be"),
    undefined
  )
}
