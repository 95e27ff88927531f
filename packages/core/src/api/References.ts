/** References to users and chats in the API. */
import * as Effect from "effect/Effect"
import type { ChatRef as EngineChatRef } from "../model/Command.ts"
import type { CommandContext } from "../commands/CommandHandler.ts"
import { ChatId, UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { User } from "../model/User.ts"

/**
 * A user: by our integer id; by a string, which is the external id if the host has a directory, and the account
 * otherwise; or by any object with our `id`.
 */
export type UserRef =
  | number
  | string
  /** With our integer id. */
  | { readonly id: number }

/** A chat: by its integer id, by its gid, or by any object with one of them. */
export type ChatRef =
  | number
  | string
  /** With its integer id. */
  | { readonly id: number }
  /** With its gid. */
  | { readonly gid: string }

export const chatRef = (chat: ChatRef): EngineChatRef =>
  typeof chat === "number"
    ? { id: ChatId(chat) }
    : typeof chat === "string"
      ? { gid: chat }
      : "id" in chat
        ? { id: ChatId(chat.id) }
        : { gid: chat.gid }

const textOf = (user: UserRef): string => (typeof user === "object" ? String(user.id) : String(user))

/** The user who names others, and the chat: users whom they may not see are unknown to them, except for its members. */
export interface Naming {
  readonly by: UserId
  readonly chat?: ChatRef
}

const seenBy = Effect.fnUntraced(function* (
  context: CommandContext,
  users: ReadonlyArray<User>,
  { by, chat }: Naming
): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
  const cached = chat === undefined ? undefined : yield* context.chats.find(chatRef(chat))
  return yield* context.visibility.known(yield* context.users.find(by), users, cached?.chat)
})

/** Returns the ids of users in the given order; refuses with the unknown ones. */
export const userIds = Effect.fnUntraced(function* (
  context: CommandContext,
  named: ReadonlyArray<UserRef>,
  naming?: Naming
): Effect.fn.Return<ReadonlyArray<UserId>, Refused | StorageFailed> {
  const names = [...new Set(named.filter((user) => typeof user === "string"))]
  const found = new Map<string, UserId>()
  if (names.length > 0) {
    const { external } = context.users
    const users = yield* external === undefined ? context.users.byAccount(names) : context.users.byExternalId(names)
    const seen = naming === undefined || !context.visibility.isLimited ? users : yield* seenBy(context, users, naming)
    for (const user of seen) found.set(external?.externalIdOf(user.id) ?? user.account, user.id)
  }
  const unknown = named.filter((user) => typeof user === "string" && !found.has(user))
  if (unknown.length > 0) return yield* refuse({ _tag: "NoSuchUsers", users: unknown.map(textOf) })
  return named.map((user) =>
    typeof user === "string" ? (found.get(user) ?? UserId(0)) : UserId(typeof user === "number" ? user : user.id)
  )
})

/** Returns the user of a reference, or refuses. */
export const userNamed = Effect.fnUntraced(function* (
  context: CommandContext,
  named: UserRef
): Effect.fn.Return<User, Refused | StorageFailed> {
  const [id = UserId(0)] = yield* userIds(context, [named])
  return (yield* context.users.find(id)) ?? (yield* refuse({ _tag: "NoSuchUsers", users: [textOf(named)] }))
})
