/** Users and groups that a request names. Source: PROTOCOLS, "youdu". */
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import { type AppScope, knownUser, reachable } from "@parley/core/rules/AppScope"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"

/** Returns those of the users who exist for a request. */
export type Known = (users: ReadonlyArray<User>) => Effect.Effect<ReadonlyArray<User>, StorageFailed>

/**
 * Users for whom an app may act by their name. Where users do not see everybody, they are those of its organisation, and
 * members of the session.
 */
export const actingUsers =
  ({ context }: Engine["Service"], scope: AppScope, session?: Chat): Known =>
  (users) =>
    Effect.succeed(
      context.visibility.isLimited
        ? users.filter((user) => knownUser.check(scope, user) || session?.members.has(user.id) === true)
        : users
    )

/** Users whom the acting user may see, and members of the session. */
export const usersSeen =
  ({ context }: Engine["Service"], viewer: User | undefined, session?: Chat): Known =>
  (users) =>
    context.visibility.known(viewer, users, session)

/**
 * Returns the users of these accounts, in this order. Refused with the accounts that do not exist for the request, and
 * `field`, if any.
 */
export const usersNamed: (
  engine: Engine["Service"],
  field: string,
  accounts: ReadonlyArray<string>,
  known: Known
) => Effect.Effect<ReadonlyArray<User>, Refused | StorageFailed> = Effect.fnUntraced(
  function* (engine, field, accounts, known) {
    const users = yield* known(yield* engine.context.users.byAccount(accounts))
    return users.length === accounts.length ? users : yield* unknownUsers(field, accounts, users)
  }
)

/**
 * Returns the users of these accounts that the app can access: those of its organisation, and the members of `group`. Others
 * are reported as not found.
 */
export const knownUsers: (
  engine: Engine["Service"],
  scope: AppScope,
  field: string,
  accounts: ReadonlyArray<string>,
  group?: Chat
) => Effect.Effect<ReadonlyArray<User>, Refused | StorageFailed> = Effect.fnUntraced(
  function* (engine, scope, field, accounts, group) {
    const users = yield* engine.context.users.byAccount(accounts)
    const known = users.filter((user) => knownUser.check(scope, user) || group?.members.has(user.id) === true)
    return known.length === accounts.length ? known : yield* unknownUsers(field, accounts, known)
  }
)

const unknownUsers = (field: string, accounts: ReadonlyArray<string>, known: ReadonlyArray<User>): Refused => {
  const found = new Set(known.map(({ account }) => account))
  const unknown = accounts.filter((one) => !found.has(one))
  return refuse({ _tag: "NoSuchUsers", users: unknown.map((one) => `${one} (${field})`) })
}

/** Returns the group with this gid; one outside the app's scope is reported as not found. */
export const groupNamed: (
  engine: Engine["Service"],
  scope: AppScope,
  gid: string
) => Effect.Effect<Chat, Refused | StorageFailed> = Effect.fnUntraced(function* (engine, scope, gid) {
  const cached = yield* engine.context.chats.find({ gid })
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const { chat } = cached
  const members = yield* engine.context.users.findMany([...chat.members.keys()])
  const refused = reachable.check({ scope, chat, members })
  return refused === undefined ? chat : yield* refuse(refused)
})
