/** How an embedder names users and chats. */
import * as Effect from "effect/Effect"
import type { ChatRef as EngineChatRef } from "../model/Command.ts"
import type { CommandContext } from "../commands/CommandHandler.ts"
import { ChatId, UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { User } from "../model/User.ts"

/**
 * A user: by our integer id, or by a string, which is the host's own id of the user where the host has a directory, and
 * the account otherwise; or anything that has our `id`.
 */
export type UserRef = number | string | { readonly id: number }

/** A chat: by its integer id, by its gid, or anything that has one of them. */
export type ChatRef = number | string | { readonly id: number } | { readonly gid: string }

export const chatRef = (chat: ChatRef): EngineChatRef =>
  typeof chat === "number"
    ? { id: ChatId(chat) }
    : typeof chat === "string"
      ? { gid: chat }
      : "id" in chat
        ? { id: ChatId(chat.id) }
        : { gid: chat.gid }

const wordFor = (user: UserRef): string => (typeof user === "object" ? String(user.id) : String(user))

/** The ids of users as they were named, in that order; refused with those who do not exist. */
export const userIds = Effect.fnUntraced(function* (
  desk: CommandContext,
  named: ReadonlyArray<UserRef>
): Effect.fn.Return<ReadonlyArray<UserId>, Refused | StorageFailed> {
  const names = [...new Set(named.filter((user) => typeof user === "string"))]
  const found = new Map<string, UserId>()
  if (names.length > 0) {
    const { external } = desk.users
    const users = yield* external === undefined ? desk.users.byAccount(names) : desk.users.byExternalId(names)
    for (const user of users) found.set(external?.externalIdOf(user.id) ?? user.account, user.id)
  }
  const unknown = named.filter((user) => typeof user === "string" && !found.has(user))
  if (unknown.length > 0) return yield* refuse({ _tag: "NoSuchUsers", users: unknown.map(wordFor) })
  return named.map((user) =>
    typeof user === "string" ? (found.get(user) ?? UserId(0)) : UserId(typeof user === "number" ? user : user.id)
  )
})

/** The one user who is named so. */
export const userNamed = Effect.fnUntraced(function* (
  desk: CommandContext,
  named: UserRef
): Effect.fn.Return<User, Refused | StorageFailed> {
  const [id = UserId(0)] = yield* userIds(desk, [named])
  return (yield* desk.users.find(id)) ?? (yield* refuse({ _tag: "NoSuchUsers", users: [wordFor(named)] }))
})
