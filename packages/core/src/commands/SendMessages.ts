/**
 * Sends the messages of a request, all or none. For cached chats it reads nothing from storage: the commit checks that
 * each gid is new, and otherwise returns the stored message.
 */
import * as Effect from "effect/Effect"
import type { Chat } from "../model/Chat.ts"
import type { Draft, SendMessages, SentMessage } from "../model/Command.ts"
import type { Entry, Posted, Replaced } from "../model/Log.ts"
import { amend, fromPosted, type Message } from "../model/Message.ts"
import { type MessageRefusal, type Reason, refuse } from "../model/Refused.ts"
import { refusal } from "../rules/Operations.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import type { StorageFailed, WriteBatch, Write } from "../ports/Store.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import type { Broadcast, ChatEvent } from "../model/Event.ts"
import { exceeds } from "../model/Utf8.ts"
import {
  type Invocation,
  type CommandContext,
  entryOf,
  invalid,
  type Outcome,
  type CommandHandler
} from "./CommandHandler.ts"
import { ownMessage, SlowModeOfRequest } from "./SlowMode.ts"

/** Maximum number of characters of a message's gid. */
const MAX_GID = 255
/** Maximum number of characters of a content type's name. */
const MAX_CONTENT_TYPE = 64
/** Content of these types may be replaced: clients send a placeholder first. Source: PROTOCOLS, "message". */
const REPLACEABLE: ReadonlySet<string> = new Set(["image", "file"])
/** Maximum time of a JavaScript date, in milliseconds since 1970. */
const MAX_DATE = 8.64e15

/** Result of one draft. `write` is the index of its write, if it has one. */
type DraftResult =
  | { readonly _tag: "Stored"; readonly cached: CachedChat; readonly message: Message }
  | { readonly _tag: "Posting"; readonly cached: CachedChat; readonly write: number; readonly draft: Draft }
  | { readonly _tag: "Replacing"; readonly cached: CachedChat; readonly message: Message; readonly write: number }
  | { readonly _tag: "Repeated"; readonly of: number }

export const sendMessages: CommandHandler<SendMessages> = Effect.fnUntraced(function* (
  context,
  invocation,
  { messages, onePerChat }
) {
  const { messagesPerRequest, membersPerRequest } = context.settings
  const limit = onePerChat ? membersPerRequest : messagesPerRequest
  if (messages.length === 0) return yield* refuse(invalid("messages", "must hold at least one message"))
  if (messages.length > limit) return yield* refuse(invalid("messages", `must hold at most ${limit} messages`))
  // All chats are loaded first, so that drafts for one chat are based on the same facts.
  const chats: Array<CachedChat | undefined> = []
  for (const { chat } of messages) chats.push(context.chats.getCached(chat) ?? (yield* context.chats.find(chat)))
  const ids = chats.flatMap((cached) => cached?.chat.id ?? [])
  if (onePerChat && new Set(ids).size < ids.length) {
    return yield* refuse(invalid("messages", "must hold at most one message for each chat"))
  }

  const refusals: Array<MessageRefusal> = []
  const results: Array<DraftResult> = []
  const writes: Array<Write> = []
  const expectedVersions = new Map<number, WriteBatch["expectedVersions"][number]>()
  const firstOf = new Map<string, number>()
  const slowMode = new SlowModeOfRequest(context, invocation)
  for (const [index, draft] of messages.entries()) {
    const cached = chats[index]
    const earlier = firstOf.get(draft.gid)
    let existing = invocation.duplicate?.messages.find((message) => message.gid === draft.gid)
    const isNew = earlier === undefined && existing === undefined
    const sinceOwn = isNew && cached !== undefined ? yield* slowMode.sinceOwnMessage(cached) : undefined
    let reason = messageProblem(context, invocation, draft, cached, sinceOwn)
    if (reason?._tag === "RateLimited" && cached !== undefined) {
      // A message that is sent again, because its reply was lost, is not a second one.
      existing = yield* ownMessage(context, invocation, draft.gid, cached)
      if (existing !== undefined) reason = undefined
    }
    if (reason !== undefined || cached === undefined) {
      refusals.push({ index, reason: reason ?? { _tag: "NoSuchChat" } })
      continue
    }
    if (earlier !== undefined) {
      const first = messages[earlier]
      if (first !== undefined && first.content === draft.content && sameChat(first, draft)) {
        results[index] = { _tag: "Repeated", of: earlier }
      } else refusals.push({ index, reason: { _tag: "GidTaken", gid: draft.gid } })
      continue
    }
    firstOf.set(draft.gid, index)
    const body = existing === undefined ? posting(draft, invocation.now) : resent(invocation, draft, cached, existing)
    if (
      existing?.chat === cached.chat.id &&
      body._tag === "GidTaken" &&
      (yield* wasPosted(context, invocation, draft, existing))
    ) {
      results[index] = { _tag: "Stored", cached, message: existing }
      continue
    }
    if (body._tag === "Posted" || body._tag === "Replaced") {
      const write = writes.push(messageWrite(invocation, cached, body, existing)) - 1
      if (existing === undefined) slowMode.send(cached.chat, draft.gid)
      expectedVersions.set(cached.chat.id, { chat: cached.chat.id, version: cached.chat.version })
      results[index] =
        existing === undefined
          ? { _tag: "Posting", cached, write, draft }
          : { _tag: "Replacing", cached, message: existing, write }
    } else if (body._tag === "Same") results[index] = { _tag: "Stored", cached, message: body.message }
    else refusals.push({ index, reason: body })
  }
  if (refusals.length > 0) return yield* refuse({ _tag: "MessagesRefused", refusals })

  return {
    batch: writes.length === 0 ? undefined : { expectedVersions: [...expectedVersions.values()], writes },
    claim: () => slowMode.claim(),
    toOutcome: (written) => {
      const broadcasts: Array<Broadcast> = []
      const sent: Array<SentMessage> = []
      for (const [index, result] of results.entries()) {
        if (result._tag === "Repeated") {
          const first = sent[result.of]
          if (first !== undefined) sent[index] = first
          continue
        }
        const { cached } = result
        if (result._tag === "Stored") {
          sent[index] = { chat: cached.chat, message: result.message }
          continue
        }
        const entry = entryOf(written[result.write])
        const message =
          result._tag === "Replacing"
            ? amend(result.message, { id: entry.id, body: entry.body as Replaced })
            : fromPosted({ ...entry, body: entry.body as Posted })
        const pushData = result._tag === "Posting" ? result.draft.pushData : undefined
        const outcome = toOutcome(cached.chat, entry, message, pushData)
        sent[index] = outcome.reply
        broadcasts.push(...outcome.broadcasts)
      }
      return { reply: sent, broadcasts }
    }
  }
})

/** Returns the outcome of one stored message, for the command and for the fast path. */
export const toOutcome = (chat: Chat, entry: Entry, message: Message, pushData?: string): Outcome<SentMessage> => {
  const head = { seq: entry.seq, posted: entry.posted, activeAt: entry.at }
  const event: ChatEvent = { _tag: "ChatEvent", entry, chat, head, message }
  return {
    reply: { chat, message },
    broadcasts: [{ event: pushData === undefined ? event : { ...event, pushData }, to: { chat: chat.id } }]
  }
}

/** Returns why the content of a message is invalid, or undefined. */
export const contentProblem = (
  { settings }: Pick<CommandContext, "settings">,
  { content, contentType }: Pick<Draft, "content" | "contentType">,
  mayBeEmpty: boolean
): Reason | undefined => {
  if (!content.isWellFormed()) return invalid("content", "must be well-formed Unicode")
  if (contentType.length > MAX_CONTENT_TYPE || !contentType.isWellFormed()) {
    return invalid("contentType", `must be well-formed, of at most ${MAX_CONTENT_TYPE} characters`)
  }
  if (content === "" && !mayBeEmpty) return invalid("content", "must not be empty")
  if (exceeds(content, settings.content)) return invalid("content", `must have at most ${settings.content} bytes`)
  return undefined
}

const isPushData = (pushData: string, { content }: Pick<EngineSettings, "content">): boolean =>
  pushData.isWellFormed() && !exceeds(pushData, content)

/** Returns why a message cannot be sent, or undefined. `sinceOwnMessage` as in the facts of rules. */
export const messageProblem = (
  context: Pick<CommandContext, "settings" | "visibility">,
  invocation: Pick<Invocation, "user" | "via">,
  draft: Draft,
  cached: CachedChat | undefined,
  sinceOwnMessage?: number
): Reason | undefined => {
  if (draft.gid === "" || draft.gid.length > MAX_GID) return invalid("gid", `must have 1 to ${MAX_GID} characters`)
  if (draft.date !== undefined && !(draft.date >= 0 && draft.date <= MAX_DATE)) {
    return invalid("date", "must be a time since 1970")
  }
  // Unpaired surrogates are rejected: stores and UTF-8 would replace them differently.
  if (!draft.gid.isWellFormed()) return invalid("gid", "must be well-formed Unicode")
  // A placeholder may be empty.
  const problem = contentProblem(context, draft, REPLACEABLE.has(draft.contentType))
  if (problem !== undefined) return problem
  if (draft.pushData !== undefined && !isPushData(draft.pushData, context.settings)) {
    return invalid("pushData", `must be well-formed Unicode of at most ${context.settings.content} bytes`)
  }
  if (cached === undefined) return { _tag: "NoSuchChat" }
  const operation = draft.type === "broadcast" ? "broadcast" : "send"
  const { isLimited } = context.visibility
  return refusal(operation, {
    user: invocation.user,
    via: invocation.via,
    chat: cached.chat,
    isLimited,
    sinceOwnMessage
  })?.reason
}

/** Returns the entry body for a message posted at `now`, in milliseconds since 1970. */
export const posting = (draft: Draft, now: number): Posted => ({
  _tag: "Posted",
  gid: draft.gid,
  type: draft.type,
  contentType: draft.contentType,
  content: draft.content,
  date: Math.floor(draft.date ?? now)
})

/** Returns the body or reply for a gid that is stored already. Source: PROTOCOLS, "Idempotent" and "message". */
const resent = (
  invocation: Invocation,
  draft: Draft,
  cached: CachedChat,
  existing: Message
): Replaced | Reason | { readonly _tag: "Same"; readonly message: Message } => {
  if (existing.sender !== invocation.user.id || existing.chat !== cached.chat.id)
    return { _tag: "GidTaken", gid: draft.gid }
  if (existing.recalled) return { _tag: "Recalled" }
  if (existing.content === draft.content && existing.contentType === draft.contentType)
    return { _tag: "Same", message: existing }
  if (!REPLACEABLE.has(existing.contentType) || !REPLACEABLE.has(draft.contentType))
    return { _tag: "GidTaken", gid: draft.gid }
  return { _tag: "Replaced", message: existing.id, contentType: draft.contentType, content: draft.content }
}

/** Returns whether a message that was edited since had this content when its sender, the caller, posted it. */
const wasPosted = Effect.fnUntraced(function* (
  { store }: CommandContext,
  { user }: Invocation,
  { content, contentType }: Draft,
  existing: Message
): Effect.fn.Return<boolean, StorageFailed> {
  const { chat, id, revision, sender, seq } = existing
  if (sender !== user.id || revision === id) return false
  const [entry] = yield* store.entries([{ chat, after: seq - 1, limit: 1 }])
  const body = entry?.body
  return body?._tag === "Posted" && body.contentType === contentType && body.content === content
})

/** `existing` is the stored message that is replaced. */
const messageWrite = (
  { by, caller: { device }, now: at }: Invocation,
  { chat: { id: chat } }: CachedChat,
  body: Posted | Replaced,
  existing: Message | undefined
): Write =>
  body._tag === "Posted"
    ? { _tag: "Append", chat, by, device, at, body }
    : { _tag: "Amend", chat, by, device, at, body, revision: existing?.revision ?? body.message }

const sameChat = (a: Draft, b: Draft): boolean =>
  "id" in a.chat ? "id" in b.chat && a.chat.id === b.chat.id : "gid" in b.chat && a.chat.gid === b.chat.gid
