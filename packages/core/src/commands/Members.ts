/** Joining and leaving chats. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { AddMembers, JoinChat, LeaveChat, ListMembers, RemoveMembers } from "../model/Command.ts"
import type { UserId } from "../model/Ids.ts"
import type { Changed } from "../model/Log.ts"
import { refuse } from "../model/Refused.ts"
import { blockedReason, ownerWithout } from "../rules/Membership.ts"
import { mapInSlices } from "../model/Slices.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import {
  replyWith,
  change,
  existing,
  invalid,
  permitted,
  type CommandHandler,
  view,
  viewerOf
} from "./CommandHandler.ts"

export const joinChat: CommandHandler<JoinChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "join")
  const { id } = invocation.user
  const { chat } = cached
  if (isMember(chat, id)) return replyWith(view(cached))
  // A user who joins an abandoned group takes it over, unless it never had an owner.
  const takesOver = chat.members.size === 0 && chat.owner === null && chat.createdBy !== null
  return change(cached, invocation, takesOver ? { added: [id], owner: id } : { added: [id] })
})

export const leaveChat: CommandHandler<LeaveChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "leave")
  return change(cached, invocation, departure(cached, [invocation.user.id]))
})

export const addMembers: CommandHandler<AddMembers> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "addMembers")
  if (command.members.length === 0) return yield* refuse(invalid("members", "must name at least one user"))
  const users = yield* existing(context, invocation, "members", command.members, cached.chat)
  const added = users.filter((user) => !isMember(cached.chat, user.id))
  const blocked = blockedReason(cached.chat, added)
  if (blocked !== undefined) return yield* refuse(blocked)
  return added.length === 0 ? replyWith(view(cached)) : change(cached, invocation, { added: added.map(({ id }) => id) })
})

/** Non-members are ignored: repeating a removal is not an error. The owner cannot be removed. */
export const removeMembers: CommandHandler<RemoveMembers> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "removeMembers")
  if (command.members.length === 0) return yield* refuse(invalid("members", "must name at least one user"))
  const users = yield* existing(context, invocation, "members", command.members, cached.chat)
  if (users.some((user) => user.id === cached.chat.owner)) return yield* refuse({ _tag: "CannotRemoveOwner" })
  const removed = users.filter((user) => isMember(cached.chat, user.id)).map((user) => user.id)
  return removed.length === 0 ? replyWith(view(cached)) : change(cached, invocation, departure(cached, removed))
})

export const listMembers: CommandHandler<ListMembers> = Effect.fnUntraced(function* (context, invocation, command) {
  const { chat } = yield* permitted(context, invocation, command.chat, "read")
  const users =
    chat.type === "system"
      ? (yield* context.visibility.all(viewerOf(invocation))).users
      : yield* context.users.findMany([...chat.members.keys()])
  return replyWith({ chat, members: yield* mapInSlices(users, (user) => context.presence.of(user)) })
})

/** Returns the step of members who leave; ownership may pass. */
export const departure = (cached: CachedChat, removed: ReadonlyArray<UserId>): Omit<Changed, "_tag"> => {
  const owner = ownerWithout(cached.chat, new Set(removed))
  return owner === cached.chat.owner ? { removed } : { removed, owner }
}
