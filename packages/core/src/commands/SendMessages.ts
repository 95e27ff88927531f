/**
 * Sending messages: all of a request, or none. Where the chat is warm it reads nothing from storage: that a gid is new
 * is checked by the commit itself, which tells of the stored message where it is not.
 */
import * as Effect from "effect/Effect"
import type { Draft, SendMessages, SentMessage } from "../model/Command.ts"
import type { Posted, Replaced } from "../model/Log.ts"
import { amend, fromPosted, type Message } from "../model/Message.ts"
import { type MessageRefusal, type Reason, refuse } from "../model/Refused.ts"
import { refusal } from "../rules/Operations.ts"
import type { Unit, Write } from "../ports/Store.ts"
import type { WarmChat } from "../cache/ChatCache.ts"
import type { Announcement } from "../model/Event.ts"
import { exceeds } from "../model/Utf8.ts"
import { type Attempt, type Desk, entryOf, invalid, type Script } from "./CommandHandler.ts"

/** Characters of a message's gid, at most. */
const MAX_GID = 255
/** Characters of a content type's name, at most. */
const MAX_CONTENT_TYPE = 64
/** Content of these types may be replaced: clients send a placeholder first. Source: PROTOCOLS, "message". */
const REPLACEABLE: ReadonlySet<string> = new Set(["image", "file"])
/** The last millisecond that a JavaScript date can hold. */
const MAX_DATE = 8.64e15

/** What becomes of one draft. `write` is the index of its write, where it has one. */
type Fate =
  | { readonly _tag: "Stored"; readonly warm: WarmChat; readonly message: Message }
  | { readonly _tag: "Posting"; readonly warm: WarmChat; readonly write: number }
  | { readonly _tag: "Replacing"; readonly warm: WarmChat; readonly message: Message; readonly write: number }
  | { readonly _tag: "Repeated"; readonly of: number }

export const sendMessages: Script<SendMessages> = Effect.fnUntraced(function* (desk, attempt, { messages }) {
  const limit = desk.settings.messagesPerRequest
  if (messages.length === 0) return yield* refuse(invalid("messages", "must hold at least one message"))
  if (messages.length > limit) return yield* refuse(invalid("messages", `must hold at most ${limit} messages`))
  // All chats before anything is decided: what is decided on one and the same chat is decided on the same facts.
  const chats: Array<WarmChat | undefined> = []
  for (const { chat } of messages) chats.push(desk.chats.peek(chat) ?? (yield* desk.chats.find(chat)))

  const refusals: Array<MessageRefusal> = []
  const fates: Array<Fate> = []
  const writes: Array<Write> = []
  const relies = new Map<number, Unit["relies"][number]>()
  const firstOf = new Map<string, number>()
  for (const [index, draft] of messages.entries()) {
    const warm = chats[index]
    const reason = messageProblem(desk, attempt, draft, warm)
    if (reason !== undefined || warm === undefined) {
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
    const known = attempt.duplicate?.messages.find((message) => message.gid === draft.gid)
    const body = known === undefined ? posting(draft, attempt.now) : again(attempt, draft, warm, known)
    if (body._tag === "Posted" || body._tag === "Replaced") {
      const write = writes.push(writing(attempt, warm, body, known)) - 1
      relies.set(warm.chat.id, { chat: warm.chat.id, version: warm.chat.version })
      fates[index] =
        known === undefined ? { _tag: "Posting", warm, write } : { _tag: "Replacing", warm, message: known, write }
    } else if (body._tag === "Same") fates[index] = { _tag: "Stored", warm, message: body.message }
    else refusals.push({ index, reason: body })
  }
  if (refusals.length > 0) return yield* refuse({ _tag: "MessagesRefused", refusals })

  return {
    unit: writes.length === 0 ? undefined : { relies: [...relies.values()], writes },
    conclude: (written) => {
      const announce: Array<Announcement> = []
      const sent: Array<SentMessage> = []
      for (const [index, fate] of fates.entries()) {
        if (fate._tag === "Repeated") {
          const first = sent[fate.of]
          if (first !== undefined) sent[index] = first
          continue
        }
        const { warm } = fate
        if (fate._tag === "Stored") {
          sent[index] = { chat: warm.chat, message: fate.message }
          continue
        }
        const entry = entryOf(written[fate.write])
        const message =
          fate._tag === "Replacing"
            ? amend(fate.message, { id: entry.id, body: entry.body as Replaced })
            : fromPosted({ ...entry, body: entry.body as Posted })
        sent[index] = { chat: warm.chat, message }
        const head = { seq: entry.seq, posted: entry.posted, activeAt: entry.at }
        announce.push({
          event: { _tag: "ChatEvent", entry, chat: warm.chat, head, message },
          to: { chat: warm.chat.id }
        })
      }
      return { reply: sent, announce }
    }
  }
})

/** Why a message is not to be sent, or nothing. */
export const messageProblem = (
  desk: Pick<Desk, "settings">,
  attempt: Pick<Attempt, "user" | "via">,
  draft: Draft,
  warm: WarmChat | undefined
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
  if (exceeds(draft.content, desk.settings.content)) {
    return invalid("content", `must have at most ${desk.settings.content} bytes`)
  }
  if (warm === undefined) return { _tag: "NoSuchChat" }
  const operation = draft.type === "broadcast" ? "broadcast" : "speak"
  return refusal(operation, { user: attempt.user, via: attempt.via, chat: warm.chat })?.reason
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
const again = (
  attempt: Attempt,
  draft: Draft,
  warm: WarmChat,
  known: Message
): Replaced | Reason | { readonly _tag: "Same"; readonly message: Message } => {
  if (known.sender !== attempt.user.id || known.chat !== warm.chat.id) return { _tag: "GidTaken", gid: draft.gid }
  if (known.recalled) return { _tag: "Recalled" }
  if (known.content === draft.content && known.contentType === draft.contentType)
    return { _tag: "Same", message: known }
  if (!REPLACEABLE.has(known.contentType) || !REPLACEABLE.has(draft.contentType))
    return { _tag: "GidTaken", gid: draft.gid }
  return { _tag: "Replaced", message: known.id, contentType: draft.contentType, content: draft.content }
}

/** `known` is the stored message that is replaced. */
const writing = (
  { by, caller: { origin }, now: at }: Attempt,
  { chat: { id: chat } }: WarmChat,
  body: Posted | Replaced,
  known: Message | undefined
): Write =>
  body._tag === "Posted"
    ? { _tag: "Append", chat, by, origin, at, body }
    : { _tag: "Amend", chat, by, origin, at, body, revision: known?.revision ?? body.message }

const sameChat = (a: Draft, b: Draft): boolean =>
  "id" in a.chat ? "id" in b.chat && a.chat.id === b.chat.id : "gid" in b.chat && a.chat.gid === b.chat.gid
