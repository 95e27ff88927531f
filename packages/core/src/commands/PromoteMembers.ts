/** Admins of a group, beside its owner, who appoints them. */
import * as Effect from "effect/Effect"
import type { PromoteMembers } from "../model/Command.ts"
import { refuse } from "../model/Refused.ts"
import { adminsOf } from "../rules/Membership.ts"
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

export const promoteMembers: CommandHandler<PromoteMembers> = Effect.fnUntraced(
  function* (context, invocation, command) {
    const cached = yield* permitted(context, invocation, command.chat, "promoteMembers")
    if (command.members.length === 0) return yield* refuse(invalid("members", "must name at least one user"))
    const { chat } = cached
    const users = yield* existing(context, invocation, "members", command.members, chat)
    const members = new Set(membersAmong(chat, users))
    const others = users.filter((user) => !members.has(user.id))
    if (others.length > 0) {
      return yield* refuse({ _tag: "TargetsNotMembers", users: others.map(({ account }) => account) })
    }
    if (command.promoted) {
      const admins = adminsOf(chat)
      const promoted = [...members].filter((user) => !admins.includes(user))
      return promoted.length === 0
        ? replyWith(view(cached))
        : change(cached, invocation, { admins: [...chat.admins, ...promoted], promoted })
    }
    if (users.some((user) => user.id === chat.owner)) {
      return yield* refuse(invalid("members", "must not be the owner of the chat"))
    }
    const demoted = chat.admins.filter((user) => members.has(user))
    return demoted.length === 0
      ? replyWith(view(cached))
      : change(cached, invocation, { admins: chat.admins.filter((user) => !members.has(user)), demoted })
  }
)
