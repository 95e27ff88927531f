/** Facts of a chat (name, public flag, senders), and lists of chats. */
import * as Effect from "effect/Effect"
import { type Preference, SLOW_MODE, slowModeOf } from "../model/Chat.ts"
import type {
  ListChats,
  ListPublicChats,
  OwnChatView,
  PublishChat,
  ReadChat,
  RenameChat,
  SetAdmins,
  SetSenders,
  SetSlowMode,
  SetPreference
} from "../model/Command.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import { refuse } from "../model/Refused.ts"
import { MAX_SLOW_MODE } from "../rules/SlowMode.ts"
import {
  replyWith,
  change,
  existing,
  invalid,
  membersAmong,
  nameProblem,
  permitted,
  type CommandHandler,
  view,
  viewerOf
} from "./CommandHandler.ts"

export const readChat: CommandHandler<ReadChat> = Effect.fnUntraced(function* (context, invocation, command) {
  return replyWith(view(yield* permitted(context, invocation, command.chat, "see")))
})

export const renameChat: CommandHandler<RenameChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const problem = nameProblem(context, command.name, false)
  if (problem !== undefined) return yield* refuse(problem)
  const cached = yield* permitted(context, invocation, command.chat, "rename")
  return cached.chat.name === command.name
    ? replyWith(view(cached))
    : change(cached, invocation, { name: command.name })
})

export const publishChat: CommandHandler<PublishChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "publish")
  return cached.chat.public === command.public
    ? replyWith(view(cached))
    : change(cached, invocation, { public: command.public })
})

export const setAdmins: CommandHandler<SetAdmins> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "setAdmins")
  if (command.users.length === 0) return yield* refuse(invalid("admins", "must name at least one user"))
  const users = (yield* existing(context, invocation, "admins", command.users, cached.chat)).map((user) => user.id)
  const before = cached.chat.admins
  const after = command.grant
    ? [...before, ...users.filter((user) => !before.includes(user))]
    : before.filter((user) => !users.includes(user))
  return after.length === before.length ? replyWith(view(cached)) : change(cached, invocation, { admins: after })
})

export const setSenders: CommandHandler<SetSenders> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "setSenders")
  const { senders } = command
  if (typeof senders === "string") {
    // A list as text would be matched by substring.
    if (senders !== "all" && senders !== "admins") {
      return yield* refuse(invalid("senders", "must be all, admins or a list of users"))
    }
    return cached.chat.senders === senders ? replyWith(view(cached)) : change(cached, invocation, { senders })
  }
  const users = yield* existing(context, invocation, "senders", senders, cached.chat)
  const ids = membersAmong(cached.chat, users)
  if (ids.length < users.length) {
    const memberIds = new Set(ids)
    const nonMembers = users.filter((user) => !memberIds.has(user.id))
    return yield* refuse({ _tag: "TargetsNotMembers", users: nonMembers.map((user) => String(user.id)) })
  }
  const before = cached.chat.senders
  const isUnchanged =
    typeof before !== "string" && before.length === ids.length && ids.every((id) => before.includes(id))
  return isUnchanged ? replyWith(view(cached)) : change(cached, invocation, { senders: ids })
})

export const setSlowMode: CommandHandler<SetSlowMode> = Effect.fnUntraced(function* (context, invocation, command) {
  const { seconds } = command
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SLOW_MODE) {
    return yield* refuse(invalid("seconds", `must be an integer from 0 to ${MAX_SLOW_MODE}`))
  }
  const cached = yield* permitted(context, invocation, command.chat, "setSlowMode")
  return slowModeOf(cached.chat) === seconds
    ? replyWith(view(cached))
    : change(cached, invocation, { attributes: { [SLOW_MODE]: seconds === 0 ? null : seconds } })
})

export const setPreference: CommandHandler<SetPreference> = Effect.fnUntraced(function* (context, invocation, command) {
  const cached = yield* permitted(context, invocation, command.chat, "setPreference")
  const { chat } = cached
  const stored = (yield* context.store.preferences(invocation.user.id)).find((one) => one.chat === chat.id)
  const before = stored ?? unset(chat.id, invocation.user.id)
  const { star = before.star, hide = before.hide, mute = before.mute } = command
  if (star === before.star && hide === before.hide && mute === before.mute) {
    return replyWith<OwnChatView>({ ...view(cached), preference: before })
  }
  // Only the named flags: the store merges them with concurrent changes by another connection of the user.
  const flags = {
    ...(command.star !== undefined && { star }),
    ...(command.hide !== undefined && { hide }),
    ...(command.mute !== undefined && { mute })
  }
  return {
    batch: {
      expectedVersions: [],
      writes: [{ _tag: "SetPreference", chat: chat.id, user: invocation.user.id, ...flags }]
    },
    toOutcome: ([written]) => {
      if (written?._tag !== "Preference") throw new Error(`the store returned ${written?._tag} for a preference`)
      return { reply: { ...view(cached), preference: written.preference }, broadcasts: [] }
    }
  }
})

export const listChats: CommandHandler<ListChats> = Effect.fnUntraced(function* (context, invocation) {
  const { id } = invocation.user
  const chats = yield* context.chats.findMany(yield* context.store.chatsOf(id))
  const preferences = new Map<ChatId, Preference>(
    (yield* context.store.preferences(id)).map((preference) => [preference.chat, preference])
  )
  return replyWith(
    chats.map((cached) => ({
      ...view(cached),
      preference: preferences.get(cached.chat.id) ?? unset(cached.chat.id, id)
    }))
  )
})

export const listPublicChats: CommandHandler<ListPublicChats> = Effect.fnUntraced(function* (context, invocation) {
  const chats = yield* context.chats.findMany(yield* context.store.publicChats)
  const visible = new Set(
    yield* context.visibility.publicAmong(
      viewerOf(invocation),
      chats.map(({ chat }) => chat)
    )
  )
  return replyWith(chats.filter(({ chat }) => visible.has(chat)).map(view))
})

const unset = (chat: ChatId, user: UserId): Preference => ({ chat, user, star: false, hide: false, mute: false })
