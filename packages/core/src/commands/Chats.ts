/** A chat's facts: its name, whether it is public, who may speak in it; and lists of chats. */
import * as Effect from "effect/Effect"
import type { Preference } from "../model/Chat.ts"
import type {
  ListChats,
  ListPublicChats,
  OwnChatView,
  PublishChat,
  ReadChat,
  RenameChat,
  SetAdmins,
  SetCommitters,
  SetPreference
} from "../model/Command.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import { refuse } from "../model/Refused.ts"
import {
  answer,
  change,
  existing,
  invalid,
  membersAmong,
  nameProblem,
  permitted,
  type Script,
  view
} from "./CommandHandler.ts"

export const readChat: Script<ReadChat> = Effect.fnUntraced(function* (desk, attempt, command) {
  return answer(view(yield* permitted(desk, attempt, command.chat, "see")))
})

export const renameChat: Script<RenameChat> = Effect.fnUntraced(function* (desk, attempt, command) {
  const problem = nameProblem(desk, command.name, false)
  if (problem !== undefined) return yield* refuse(problem)
  const warm = yield* permitted(desk, attempt, command.chat, "rename")
  return warm.chat.name === command.name ? answer(view(warm)) : change(warm, attempt, { name: command.name })
})

export const publishChat: Script<PublishChat> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "publish")
  return warm.chat.public === command.public ? answer(view(warm)) : change(warm, attempt, { public: command.public })
})

export const setAdmins: Script<SetAdmins> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "setAdmins")
  if (command.users.length === 0) return yield* refuse(invalid("admins", "must name at least one user"))
  const users = (yield* existing(desk, "admins", command.users)).map((user) => user.id)
  const before = warm.chat.admins
  const after = command.grant
    ? [...before, ...users.filter((user) => !before.includes(user))]
    : before.filter((user) => !users.includes(user))
  return after.length === before.length ? answer(view(warm)) : change(warm, attempt, { admins: after })
})

export const setCommitters: Script<SetCommitters> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "setCommitters")
  const { committers } = command
  if (typeof committers === "string") {
    return warm.chat.committers === committers ? answer(view(warm)) : change(warm, attempt, { committers })
  }
  const users = yield* existing(desk, "committers", committers)
  const ids = membersAmong(warm.chat, users)
  if (ids.length < users.length) {
    const inside = new Set(ids)
    const outside = users.filter((user) => !inside.has(user.id))
    return yield* refuse({ _tag: "NotAMember", users: outside.map((user) => String(user.id)) })
  }
  const before = warm.chat.committers
  const same = typeof before !== "string" && before.length === ids.length && ids.every((id) => before.includes(id))
  return same ? answer(view(warm)) : change(warm, attempt, { committers: ids })
})

export const setPreference: Script<SetPreference> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "prefer")
  const { chat } = warm
  const known = (yield* desk.store.preferences(attempt.user.id)).find((one) => one.chat === chat.id)
  const before = known ?? unset(chat.id, attempt.user.id)
  const { star = before.star, hide = before.hide, mute = before.mute } = command
  if (star === before.star && hide === before.hide && mute === before.mute) {
    return answer<OwnChatView>({ ...view(warm), preference: before })
  }
  // The named flags only: the store merges them with what another connection of the user sets at the same time.
  const flags = {
    ...(command.star !== undefined && { star }),
    ...(command.hide !== undefined && { hide }),
    ...(command.mute !== undefined && { mute })
  }
  return {
    unit: { relies: [], writes: [{ _tag: "SetPreference", chat: chat.id, user: attempt.user.id, ...flags }] },
    conclude: ([written]) => {
      if (written?._tag !== "Preference") throw new Error(`the store answered ${written?._tag} for a preference`)
      return { reply: { ...view(warm), preference: written.preference }, announce: [] }
    }
  }
})

export const listChats: Script<ListChats> = Effect.fnUntraced(function* (desk, attempt) {
  const { id } = attempt.user
  const chats = yield* desk.chats.all(yield* desk.store.chatsOf(id))
  const preferences = new Map<ChatId, Preference>(
    (yield* desk.store.preferences(id)).map((preference) => [preference.chat, preference])
  )
  return answer(
    chats.map((warm) => ({ ...view(warm), preference: preferences.get(warm.chat.id) ?? unset(warm.chat.id, id) }))
  )
})

export const listPublicChats: Script<ListPublicChats> = Effect.fnUntraced(function* (desk) {
  const chats = yield* desk.chats.all(yield* desk.store.publicChats)
  return answer(chats.map(view))
})

const unset = (chat: ChatId, user: UserId): Preference => ({ chat, user, star: false, hide: false, mute: false })
