/**
 * A conversation is the direct chat of two users, regardless of the protocol that created it. Source: seeds/003,
 * "创建对话"; PROTOCOLS, "Pairs" and "ha".
 */
import type { Chat } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import { refusal } from "@parley/core/rules/Operations"
import * as Effect from "effect/Effect"
import { type Fields, invalid, text, integer } from "../_http/fields.ts"
import type { RunCommand } from "../_http/runCommands.ts"
import type { Principal } from "./auth.ts"
import { chatIdOf, conversationIdOf, timeOf } from "./encode.ts"

/** `POST /conversation`: returns the conversation of the two users; creates it if it does not exist. */
export const createConversation = Effect.fnUntraced(function* (
  { user, caller }: Principal,
  runCommand: RunCommand,
  fields: Fields
): Effect.fn.Return<{ readonly conversationid: number; readonly match: ReadonlyArray<string> }, Refused> {
  const passive = yield* integer(fields, "passiveuser")
  yield* sentAt(fields)
  if (passive === user.id) return yield* invalid("passiveuser", "must be another user")
  if (passive < 1) return yield* refuse({ _tag: "NoSuchUsers", users: [String(passive)] })
  const { chat } = yield* runCommand(caller, {
    _tag: "CreateChat",
    gid: "",
    name: "",
    type: "one2one",
    members: [UserId(passive)],
    subject: 0,
    public: false
  })
  // Strings in string order, as in the direct chat's gid.
  const match = [String(user.id), String(passive)].sort()
  return { conversationid: conversationIdOf(chat.id), match }
})

/** Returns the caller's conversation with that id. Groups and other users' conversations are reported like unknown ids. */
export const conversationFor = Effect.fnUntraced(function* (
  { user, caller }: Principal,
  runCommand: RunCommand,
  id: number
): Effect.fn.Return<Chat, Refused> {
  const chatId = chatIdOf(id)
  if (chatId === undefined) return yield* invalid("conversationid", "must be negative, with nine digits")
  const view = yield* runCommand(caller, { _tag: "ReadChat", chat: { id: ChatId(chatId) } })
  const refused = refusal("useDirect", { user, chat: view.chat })
  return refused === undefined ? view.chat : yield* refuse(refused.reason)
})

/** Returns the other member. */
export const otherMemberOf = (chat: Chat, user: UserId): UserId => {
  for (const member of chat.members.keys()) if (member !== user) return member
  return user
}

/** Reads `time`, a field of every body. */
export const sentAt = (fields: Fields): Effect.Effect<number, Refused> =>
  Effect.flatMap(text(fields, "time"), (digits) => {
    const time = timeOf(digits)
    return time === undefined ? invalid("time", "must be milliseconds since 1970, in digits") : Effect.succeed(time)
  })
