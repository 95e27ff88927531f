import * as Effect from "effect/Effect"
import type { UserCache } from "../cache/UserCache.ts"
import { logThrottled } from "../logging/LogThrottle.ts"
import { UserId } from "../model/Ids.ts"
import { shown } from "../model/shown.ts"
import type { User } from "../model/User.ts"
import type { Identity } from "../ports/Authenticator.ts"
import type { StorageFailed } from "../ports/Store.ts"

/** Function of the embedder that returned an identity. */
export type IdentitySource = "authenticate" | "verifyPassword"

/**
 * Returns the user of an authenticator's identity. Without a user directory, strings are rejected. With one, numbers are
 * rejected: they would be taken for internal ids and allow impersonation. A value that identifies no user is logged.
 */
export const resolveIdentity = (
  users: UserCache,
  identity: Identity,
  source: IdentitySource
): Effect.Effect<User | undefined, StorageFailed> => {
  if (identity === undefined || identity === null) return Effect.undefined
  const given: unknown = identity
  const hasDirectory = users.external !== undefined
  const isUsable = hasDirectory ? typeof given === "string" : typeof given === "number" && Number.isSafeInteger(given)
  if (!isUsable) {
    const accepted = hasDirectory
      ? "the user's id in the directory as a string"
      : "our integer id of the user, since there is no option directory"
    return unknown(source, `it must return ${accepted}, or nothing, not ${shown(given)}`)
  }
  const found = hasDirectory
    ? Effect.map(users.byExternalId([String(given)]), ([user]) => user)
    : users.find(UserId(Number(given)))
  return Effect.flatMap(found, (user) =>
    user === undefined
      ? unknown(
          source,
          hasDirectory ? `directory.find returned no user for ${shown(given)}` : `there is no user ${String(given)}`
        )
      : Effect.succeed(user)
  )
}

const unknown = (source: IdentitySource, problem: string): Effect.Effect<undefined> =>
  Effect.as(
    logThrottled({ key: `${source} ${problem}`, level: "Warn", message: `${source} identified no user: ${problem}` }),
    undefined
  )
