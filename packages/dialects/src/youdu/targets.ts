/** Users and groups that a request names. Source: PROTOCOLS, "youdu". */
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import { type AppScope, reachable } from "@parley/core/rules/AppScope"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"

/** Returns the users of these accounts, in this order. Refused with the unknown accounts and `field`, if any. */
export const usersNamed = Effect.fnUntraced(function* (
  engine: Engine["Service"],
  field: string,
  accounts: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  const users = yield* engine.context.users.byAccount(accounts)
  if (users.length === accounts.length) return users
  const known = new Set(users.map((user) => user.account))
  const unknown = accounts.filter((one) => !known.has(one))
  return yield* refuse({ _tag: "NoSuchUsers", users: unknown.map((one) => `${one} (${field})`) })
})

/** Returns the group with this gid; one outside the app's scope is reported as not found. */
export const groupNamed = Effect.fnUntraced(function* (
  engine: Engine["Service"],
  scope: AppScope,
  gid: string
): Effect.fn.Return<Chat, Refused | StorageFailed> {
  const cached = yield* engine.context.chats.find({ gid })
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const { chat } = cached
  const members = yield* engine.context.users.findMany([...chat.members.keys()])
  const refused = reachable.check({ scope, chat, members })
  return refused === undefined ? chat : yield* refuse(refused)
})
