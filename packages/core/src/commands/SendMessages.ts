/**
 * Sending messages: all of a request, or none. Where the chat is warm it reads nothing from storage: that a gid is new
 * is checked by the commit itself, which tells of the stored message where it is not.
 */
import * as Effect from "effect/Effect"
import type { Chat } from "../model/Chat.ts"
import type { Draft, SendMessages, SentMessage } from "../model/Command.ts"
import type { Entry, Posted, Replaced } from "../model/Log.ts"
import { amend, fromPosted, type Message } from "../model/Message.ts"
import { type MessageRefusal, type Reason, refuse } from "../model/Refused.ts"
import { refusal } from "../rules/Operations.ts"
import type { WriteBatch, Write } from "../ports/Store.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import type { Broadcast } from "../model/Event.ts"
import { exceeds } from "../model/Utf8.ts"
import {
  type Invocation,
  type CommandContext,
  entryOf,
  invalid,
  type Outcome,
  type CommandHandler
} from "./CommandHandler.ts"

/** Characters of a message's gid, at most. */
const MAX_GID = 255
/** Characters of a content type's name, at most. */
const MAX_CONTENT_TYPE = 64
/** Content of these types may be replaced: clients send a placeholder first. Source: PROTOCOLS, "message". */
const REPLACEABLE: ReadonlySet<string> = new Set(["image", "file"])
/** The last millisecond that a JavaScript date can hold. */
const MAX_DATE = 8.64e15

/** What becomes of one draft. `write` is the index of its write, where it has one. */
type DraftResult =
  | { readonly _tag: "Stored"; readonly cached: CachedChat; readonly message: Message }
  | { readonly _tag: "Posting"; readonly cached: CachedChat; readonly write: number }
  | { readonly _tag: "Replacing"; readonly cached: CachedChat; readonly message: Message; readonly write: number }
  | { readonly _tag: "Repeated"; readonly of: number }

export const sendMessages: CommandHandler<SendMessages> = Effect.fnUntraced(function* (
  context,
  invocation,
  { messages }
) {
  const limit = context.settings.messagesPerRequest
  if (messages.length === 0) return yield* refuse(invalid("messages", "must hold at least one message"))
  if (messages.length > limit) return yield* refuse(invalid("messages", `must hold at most ${limit} messages`))
  // All chats before anything is decided: what is decided on one and the same chat is decided on the same facts.
  const chats: Array<CachedChat | undefined> = []
  for (const { chat } of messages) chats.push(context.chats.getCached(chat) ?? (yield* context.chats.find(chat)))

  const refusals: Array<MessageRefusal> = []
  const fates: Array<DraftResult> = []
  const writes: Array<Write> = []
  const expectedVersions = new Map<number, WriteBatch["expectedVersions"][number]>()
  const firstOf = new Map<string, number>()
  for (const [index, draft] of messages.entries()) {
    const cached = chats[index]
    const reason = messageProblem(context, invocation, draft, cached)
    if (reason !== undefined || cached === undefined) {
      refusals.push({ index, reason: reason ?? { _tag: "NoSuchChat" } })
      continue
    }
    const earlier = firstOf.get(draft.gid)
    if (earlier !== undefined) {
      const first = messages[earlier]
      if (first !== undefined && first.content === draft.content && sameChat(first, draft)) {
        fates[index] = { _tag: "Repeated", of: earlier }
      } else refusals.push({ index, reason: { _tag: "GidTaken", gid: draft.gid } })
      continue
    }
    firstOf.set(draft.gid, index)
    const known = invocation.duplicate?.messages.find((message) => message.gid === draft.gid)
    const body = known === undefined ? posting(draft, invocation.now) : resent(invocation, draft, cached, known)
    if (body._tag === "Posted" || body._tag === "Replaced") {
      const write = writes.push(messageWrite(invocation, cached, body, known)) - 1
      expectedVersions.set(cached.chat.id, { chat: cached.chat.id, version: cached.chat.version })
      fates[index] =
        known === undefined ? { _tag: "Posting", cached, write } : { _tag: "Replacing", cached, message: known, write }
    } else if (body._tag === "Same") fates[index] = { _tag: "Stored", cached, message: body.message }
    else refusals.push({ index, reason: body })
  }
  if (refusals.length > 0) return yield* refuse({ _tag: "MessagesRefused", refusals })

  return {
    batch: writes.length === 0 ? undefined : { expectedVersions: [...expectedVersions.values()], writes },
    conclude: (written) => {
      const announce: Array<Broadcast> = []
      const sent: Array<SentMessage> = []
      for (const [index, fate] of fates.entries()) {
        if (fate._tag === "Repeated") {
          const first = sent[fate.of]
          if (first !== undefined) sent[index] = first
          continue
        }
        const { cached } = fate
        if (fate._tag === "Stored") {
          sent[index] = { chat: cached.chat, message: fate.message }
          continue
        }
        const entry = entryOf(written[fate.write])
        const message =
          fate._tag === "Replacing"
            ? amend(fate.message, { id: entry.id, body: entry.body as Replaced })
            : fromPosted({ ...entry, body: entry.body as Posted })
        const outcome = toOutcome(cached.chat, entry, message)
        sent[index] = outcome.reply
        announce.push(...outcome.announce)
      }
      return { reply: sent, announce }
    }
  }
})

/** The outcome of one stored message, however it came to the store. */
export const toOutcome = (chat: Chat, entry: Entry, message: Message): Outcome<SentMessage> => {
  const head = { seq: entry.seq, posted: entry.posted, activeAt: entry.at }
  return {
    reply: { chat, message },
    announce: [{ event: { _tag: "ChatEvent", entry, chat, head, message }, to: { chat: chat.id } }]
  }
}

/** Why a message is not to be sent, or nothing. */
export const messageProblem = (
  context: Pick<CommandContext, "settings">,
  invocation: Pick<Invocation, "user" | "via">,
  draft: Draft,
  cached: CachedChat | undefined
): Reason | undefined => {
  if (draft.gid === "" || draft.gid.length > MAX_GID) return invalid("gid", `must have 1 to ${MAX_GID} characters`)
  if (draft.date !== undefined && !(draft.date >= 0 && draft.date <= MAX_DATE)) {
    return invalid("date", "must be a time since 1970")
  }
  // Half a surrogate pair is no text: stores and UTF-8 would each make something else of it.
  if (!draft.gid.isWellFormed()) return invalid("gid", "must be well-formed Unicode")
  if (!draft.content.isWellFormed()) return invalid("content", "must be well-formed Unicode")
  if (draft.contentType.length > MAX_CONTENT_TYPE || !draft.contentType.isWellFormed()) {
    return invalid("contentType", `must be well-formed, of at most ${MAX_CONTENT_TYPE} characters`)
  }
  if (exceeds(draft.content, context.settings.content)) {
    return invalid("content", `must have at most ${context.settings.content} bytes`)
  }
  if (cached === undefined) return { _tag: "NoSuchChat" }
  const operation = draft.type === "broadcast" ? "broadcast" : "send"
  return refusal(operation, { user: invocation.user, via: invocation.via, chat: cached.chat })?.reason
}

/** What is posted at `now`, in milliseconds since 1970. */
export const posting = (draft: Draft, now: number): Posted => ({
  _tag: "Posted",
  gid: draft.gid,
  type: draft.type,
  contentType: draft.contentType,
  content: draft.content,
  date: Math.floor(draft.date ?? now)
})

/** A gid that is stored already. Source: PROTOCOLS, "Idempotent" and "message". */
const resent = (
  invocation: Invocation,
  draft: Draft,
  cached: CachedChat,
  known: Message
): Replaced | Reason | { readonly _tag: "Same"; readonly message: Message } => {
  if (known.sender !== invocation.user.id || known.chat !== cached.chat.id) return { _tag: "GidTaken", gid: draft.gid }
  if (known.recalled) return { _tag: "Recalled" }
  if (known.content === draft.content && known.contentType === draft.contentType)
    return { _tag: "Same", message: known }
  if (!REPLACEABLE.has(known.contentType) || !REPLACEABLE.has(draft.contentType))
    return { _tag: "GidTaken", gid: draft.gid }
  return { _tag: "Replaced", message: known.id, contentType: draft.contentType, content: draft.content }
}

/** `known` is the stored message that is replaced. */
const messageWrite = (
  { by, caller: { device }, now: at }: Invocation,
  { chat: { id: chat } }: CachedChat,
  body: Posted | Replaced,
  known: Message | undefined
): Write =>
  body._tag === "Posted"
    ? { _tag: "Append", chat, by, device, at, body }
    : { _tag: "Amend", chat, by, device, at, body, revision: known?.revision ?? body.message }

const sameChat = (a: Draft, b: Draft): boolean =>
  "id" in a.chat ? "id" in b.chat && a.chat.id === b.chat.id : "gid" in b.chat && a.chat.gid === b.chat.gid
