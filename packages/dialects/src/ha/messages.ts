/**
 * Sends messages to a conversation, and deletes them for the caller or for both members. Source: seeds/003, "发送信息" and
 * "删除信息"; PROTOCOLS, "ha".
 */
import type { ChatCache } from "@parley/core/ChatCache"
import type { Hub } from "@parley/core/Hub"
import { type Refused, refuse } from "@parley/core/Refused"
import { refusal } from "@parley/core/rules/Operations"
import { type StorageFailed, Store } from "@parley/core/Store"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { type Fields, invalid, text, integer } from "../_http/fields.ts"
import type { RunCommand } from "../_http/runCommands.ts"
import { conversationFor, otherMemberOf, sentAt } from "./conversations.ts"
import type { Principal } from "./auth.ts"
import { contentTypeOf } from "./encode.ts"

export interface SentMessage {
  readonly issent: 1
  readonly ispushed: 0 | 1
  readonly isread: 0
  readonly messagekey: string
  readonly id: number
}

interface MessageDeps {
  readonly hub: Hub["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
}

/** `POST /message`. `ispushed`: the other member was connected when the message was committed. */
export const sendMessage = Effect.fnUntraced(function* (
  { hub, random }: MessageDeps,
  principal: Principal,
  runCommand: RunCommand,
  fields: Fields
): Effect.fn.Return<SentMessage, Refused> {
  const { user, caller } = principal
  const id = yield* integer(fields, "conversationid")
  const contentType = contentTypeOf(yield* integer(fields, "type"))
  if (contentType === undefined) return yield* invalid("type", "must be an integer from -6 to -1")
  const content = yield* text(fields, "content")
  if (content === "") return yield* invalid("content", "must not be empty")
  const date = yield* sentAt(fields)
  const chat = yield* conversationFor(principal, runCommand, id)
  const gid = yield* random.uuidV4()
  const draft = { gid, chat: { id: chat.id }, type: "normal", contentType, content, date } as const
  const [sent] = yield* runCommand(caller, { _tag: "SendMessages", messages: [draft] })
  const ispushed = hub.isOnline(otherMemberOf(chat, user.id)) ? 1 : 0
  if (sent === undefined) return yield* Effect.die(new Error("the result does not contain the stored message"))
  return { issent: 1, ispushed, isread: 0, messagekey: sent.message.gid, id: sent.message.id }
})

const FOR_CALLER = 1
const FOR_BOTH = 2

/** `DELETE /message`: 1 hides it from the caller; 2 empties it for both, for its sender only. Idempotent. */
export const deleteMessage = Effect.fnUntraced(function* (
  store: Store["Service"],
  chats: Pick<ChatCache, "find">,
  { user, caller }: Principal,
  runCommand: RunCommand,
  fields: Fields
): Effect.fn.Return<null, Refused | StorageFailed> {
  const gid = yield* text(fields, "messagekey")
  const type = yield* integer(fields, "type")
  if (type !== FOR_CALLER && type !== FOR_BOTH) return yield* invalid("type", "must be 1 or 2")
  // Messages in groups cannot be deleted here: an admin could recall other users' messages.
  const [message] = yield* store.messagesByGid([gid])
  const cached = message === undefined ? undefined : yield* chats.find({ id: message.chat })
  if (cached === undefined || refusal("useDirect", { user, chat: cached.chat }) !== undefined) {
    return yield* refuse({ _tag: "NoSuchMessage" })
  }
  yield* runCommand(caller, { _tag: type === FOR_CALLER ? "HideMessage" : "RecallMessage", gid })
  return null
})
