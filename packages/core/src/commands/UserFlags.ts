/** Facts of single users in a group, which admins set. */
import * as Effect from "effect/Effect"
import { type Chat, flaggedUsers, flagName, hasFlag, type UserFlag } from "../model/Chat.ts"
import type { BlockUsers, SilenceMembers } from "../model/Command.ts"
import type { UserId } from "../model/Ids.ts"
import { type Reason, refuse } from "../model/Refused.ts"
import { adminsOf } from "../rules/Membership.ts"
import { departure } from "./Members.ts"
import {
  change,
  type CommandHandler,
  existing,
  invalid,
  membersAmong,
  permitted,
  replyWith,
  view
} from "./CommandHandler.ts"

/** Maximum number of users with one flag in a chat. */
const MAX_FLAGGED = 1000

/** Returns the attributes that give the users the flag, or take it from them; none for those who are so already. */
const flagging = (
  chat: Chat,
  flag: UserFlag,
  users: ReadonlyArray<UserId>,
  value: boolean
): Readonly<Record<string, true | null>> =>
  Object.fromEntries(
    users
      .filter((user) => hasFlag(chat, flag, user) !== value)
      .map((user) => [flagName(flag, user), value ? true : null])
  )

/** Refuses more users with the flag than a chat may have. */
const tooMany = (
  chat: Chat,
  flag: UserFlag,
  field: string,
  attributes: Readonly<Record<string, true | null>>
): Reason | undefined =>
  flaggedUsers({ ...chat.attributes, ...attributes }, flag).length > MAX_FLAGGED
    ? invalid(field, `must leave at most ${MAX_FLAGGED} ${flag} users`)
    : undefined

export const silenceMembers: CommandHandler<SilenceMembers> = Effect.fnUntraced(
  function* (context, invocation, command) {
    const cached = yield* permitted(context, invocation, command.chat, "silenceMembers")
    if (command.members.length === 0) return yield* refuse(invalid("members", "must name at least one user"))
    const { chat } = cached
    const { silenced } = command
    const users = yield* existing(context, invocation, "members", command.members, chat)
    if (silenced) {
      const members = new Set(membersAmong(chat, users))
      const others = users.filter((user) => !members.has(user.id))
      if (others.length > 0) {
        return yield* refuse({ _tag: "TargetsNotMembers", users: others.map(({ account }) => account) })
      }
      const admins = adminsOf(chat)
      if (users.some((user) => admins.includes(user.id))) {
        return yield* refuse(invalid("members", "must not be admins of the chat"))
      }
    }
    const ids = users.map((user) => user.id)
    const attributes = flagging(chat, "silenced", ids, silenced)
    const problem = silenced ? tooMany(chat, "silenced", "members", attributes) : undefined
    if (problem !== undefined) return yield* refuse(problem)
    return Object.keys(attributes).length === 0 ? replyWith(view(cached)) : change(cached, invocation, { attributes })
  }
)

/** Members among them are removed in the same step. */
export const blockUsers: CommandHandler<BlockUsers> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "blockUsers")
  if (command.users.length === 0) return yield* refuse(invalid("users", "must name at least one user"))
  const { chat } = cached
  const { blocked } = command
  const users = yield* existing(context, invocation, "users", command.users, chat)
  if (blocked && users.some((user) => user.id === chat.owner)) return yield* refuse({ _tag: "CannotRemoveOwner" })
  const ids = users.map((user) => user.id)
  const attributes = flagging(chat, "blocked", ids, blocked)
  const problem = blocked ? tooMany(chat, "blocked", "users", attributes) : undefined
  if (problem !== undefined) return yield* refuse(problem)
  if (Object.keys(attributes).length === 0) return replyWith(view(cached))
  const removed = blocked ? membersAmong(chat, users) : []
  return change(cached, invocation, { attributes, ...(removed.length > 0 && departure(cached, removed)) })
})
