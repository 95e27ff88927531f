/** Coming into a chat and going out of it. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { AddMembers, JoinChat, LeaveChat, ListMembers, RemoveMembers } from "../model/Command.ts"
import type { UserId } from "../model/Ids.ts"
import type { Changed } from "../model/Log.ts"
import { refuse } from "../model/Refused.ts"
import { ownerWithout } from "../rules/Membership.ts"
import { mapInSlices } from "../model/Slices.ts"
import type { WarmChat } from "../cache/ChatCache.ts"
import { answer, change, existing, invalid, permitted, type Script, view } from "./CommandHandler.ts"

export const joinChat: Script<JoinChat> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "join")
  const { id } = attempt.user
  const { chat } = warm
  if (isMember(chat, id)) return answer(view(warm))
  // Who comes into a group that all have left takes it over, unless it was nobody's from the beginning.
  const takesOver = chat.members.size === 0 && chat.owner === null && chat.createdBy !== null
  return change(warm, attempt, takesOver ? { added: [id], owner: id } : { added: [id] })
})

export const leaveChat: Script<LeaveChat> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "leave")
  return change(warm, attempt, departure(warm, [attempt.user.id]))
})

export const addMembers: Script<AddMembers> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "addMembers")
  if (command.members.length === 0) return yield* refuse(invalid("members", "must name at least one user"))
  const users = yield* existing(desk, "members", command.members)
  const added = users.filter((user) => !isMember(warm.chat, user.id)).map((user) => user.id)
  return added.length === 0 ? answer(view(warm)) : change(warm, attempt, { added })
})

/** Who is no member stays none: asking again for what is done already is no error. Nobody removes the owner. */
export const removeMembers: Script<RemoveMembers> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "removeMembers")
  if (command.members.length === 0) return yield* refuse(invalid("members", "must name at least one user"))
  const users = yield* existing(desk, "members", command.members)
  if (users.some((user) => user.id === warm.chat.owner)) return yield* refuse({ _tag: "OwnerStays" })
  const removed = users.filter((user) => isMember(warm.chat, user.id)).map((user) => user.id)
  return removed.length === 0 ? answer(view(warm)) : change(warm, attempt, departure(warm, removed))
})

export const listMembers: Script<ListMembers> = Effect.fnUntraced(function* (desk, attempt, command) {
  const { chat } = yield* permitted(desk, attempt, command.chat, "read")
  const users = chat.type === "system" ? yield* desk.users.all : yield* desk.users.some([...chat.members.keys()])
  return answer({ chat, members: yield* mapInSlices(users, (user) => desk.presence.of(user)) })
})

const departure = (warm: WarmChat, removed: ReadonlyArray<UserId>): Omit<Changed, "_tag"> => {
  const owner = ownerWithout(warm.chat, new Set(removed))
  return owner === warm.chat.owner ? { removed } : { removed, owner }
}
