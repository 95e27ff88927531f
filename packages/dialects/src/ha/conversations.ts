/**
 * A conversation is the one chat of a pair of users, whichever protocol made it. Source: seeds/003, "创建对话";
 * PROTOCOLS, "Pairs" and "ha".
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

/** `POST /conversation`: the pair's conversation, made now or before. */
export const createConversation = Effect.fnUntraced(function* (
  { user, caller }: Principal,
  perform: RunCommand,
  fields: Fields
): Effect.fn.Return<{ readonly conversationid: number; readonly match: ReadonlyArray<string> }, Refused> {
  const passive = yield* integer(fields, "passiveuser")
  yield* sentAt(fields)
  if (passive === user.id) return yield* invalid("passiveuser", "must be somebody else")
  if (passive < 1) return yield* refuse({ _tag: "NoSuchUsers", users: [String(passive)] })
  const { chat } = yield* perform(caller, {
    _tag: "CreateChat",
    gid: "",
    name: "",
    type: "one2one",
    members: [UserId(passive)],
    subject: 0,
    public: false
  })
  // As strings, and in the order of strings, as in the pair's gid.
  const match = [String(user.id), String(passive)].sort()
  return { conversationid: conversationIdOf(chat.id), match }
})

/** The caller's conversation of that id. A group's id is none, and a foreign one answers like an unknown one. */
export const conversation = Effect.fnUntraced(function* (
  { user, caller }: Principal,
  perform: RunCommand,
  id: number
): Effect.fn.Return<Chat, Refused> {
  const chat = chatIdOf(id)
  if (chat === undefined) return yield* invalid("conversationid", "must be negative, with nine digits")
  const view = yield* perform(caller, { _tag: "ReadChat", chat: { id: ChatId(chat) } })
  const refused = refusal("useDirect", { user, chat: view.chat })
  return refused === undefined ? view.chat : yield* refuse(refused.reason)
})

/** The other of the two. */
export const otherOf = (chat: Chat, user: UserId): UserId => {
  for (const member of chat.members.keys()) if (member !== user) return member
  return user
}

/** `time`, which every body has. */
export const sentAt = (fields: Fields): Effect.Effect<number, Refused> =>
  Effect.flatMap(text(fields, "time"), (written) => {
    const time = timeOf(written)
    return time === undefined ? invalid("time", "must be milliseconds since 1970, in digits") : Effect.succeed(time)
  })
