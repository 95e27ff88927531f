/**
 * `GET /message`: a conversation's messages, newest first, with their delivery states. Source: seeds/003,
 * "某组对话内容列表"; PROTOCOLS, "ha".
 */
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import type { Hub } from "@parley/core/Hub"
import type { Message } from "@parley/core/Message"
import type { CursorStore } from "@parley/core/CursorStore"
import type { Refused } from "@parley/core/Refused"
import { type MemberProgress, memberProgress } from "@parley/core/MemberProgress"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { invalid } from "../_http/fields.ts"
import { encodeItems, type EncodedJson, listBetween } from "../_http/jsonList.ts"
import type { RunCommand } from "../_http/runCommands.ts"
import type { Query } from "../_http/query.ts"
import { conversationFor, otherMemberOf } from "./conversations.ts"
import type { Principal } from "./auth.ts"
import { contentOf } from "./encode.ts"

/** Number of messages in one response. */
export interface PageLimits {
  /** For requests without `limit`. */
  readonly default: number
  readonly max: number
}

/** Messages per read while hidden and deleted ones are skipped. */
const READ_SIZE = 500

/** Messages that are encoded before other work runs; each may have 64 KiB of JSON, which is parsed. */
const MESSAGES_PER_SLICE = 4

interface ListedMessage {
  /** The sender's id. */
  readonly id: number
  readonly username: string
  readonly nickname: string
  readonly avatar: string
  readonly time: string
  readonly messagekey: string
  readonly type: number
  readonly content: string
  readonly issent: 1
  readonly ispushed: 0 | 1
  readonly isread: 0 | 1
}

interface ListDeps {
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly cursors: CursorStore["Service"]
  readonly limits: PageLimits
}

/** Returns the states before this request, then marks messages up to the newest listed one as read by the caller. */
export const listMessages = Effect.fnUntraced(function* (
  { engine, hub, cursors, limits }: ListDeps,
  principal: Principal,
  runCommand: RunCommand,
  query: Query
): Effect.fn.Return<EncodedJson, Refused | StorageFailed> {
  const { user, caller } = principal
  const id = yield* integerOf(query, "conversationid")
  if (id === undefined) return yield* invalid("conversationid", "is missing")
  const start = (yield* integerOf(query, "start")) ?? 0
  if (start < 0) return yield* invalid("start", "must be an integer from 0")
  const limit = (yield* integerOf(query, "limit")) ?? limits.default
  if (limit < 1 || limit > limits.max) return yield* invalid("limit", `must be an integer from 1 to ${limits.max}`)
  const chat = yield* conversationFor(principal, runCommand, id)
  const messages = yield* page(principal, runCommand, chat, {
    start,
    limit,
    readSize: Math.min(READ_SIZE, engine.context.settings.history)
  })
  const other = otherMemberOf(chat, user.id)
  const { store, chats } = engine.context
  const posted = chats.getCached({ id: chat.id })?.posted ?? messages[0]?.number ?? 0
  // A state of a listed message does not depend on older ones.
  const scanned = { chat: chat.id, posted, downTo: (messages.at(-1)?.seq ?? 1) - 1 }
  const progress = yield* memberProgress({ cursors, hub, store }, scanned, [user.id, other])
  const mine = progress.get(user.id) ?? NONE
  const theirs = progress.get(other) ?? NONE
  const known = new Map((yield* engine.context.users.findMany([user.id, other])).map((one) => [one.id, one]))
  const newest = messages[0]?.seq ?? 0
  if (newest > mine.read) yield* runCommand(caller, { _tag: "MarkRead", chat: { id: chat.id }, upTo: newest })
  const chunks = yield* encodeItems(
    messages,
    (message) =>
      listed(
        message,
        message.sender === null ? undefined : known.get(message.sender),
        // A message's states are those of its recipient.
        message.sender === user.id ? theirs : mine
      ),
    MESSAGES_PER_SLICE
  )
  return listBetween("[", chunks, "]")
})

const NONE: MemberProgress = { pushed: 0, delivered: 0, read: 0 }

const listed = (message: Message, sender: User | undefined, reader: MemberProgress): ListedMessage => ({
  id: sender?.id ?? 0,
  username: sender?.account ?? "",
  nickname: sender?.realname ?? "",
  avatar: sender?.avatar ?? "",
  time: String(message.date),
  messagekey: message.gid,
  ...contentOf(message),
  issent: 1,
  ispushed: reader.pushed >= message.seq ? 1 : 0,
  isread: reader.read >= message.seq ? 1 : 0
})

/**
 * Returns `limit` messages after the `start` newest. Messages that the caller hid or that were deleted for both do not
 * count, so that pages are full and contiguous. Messages that arrive meanwhile do not shift the page.
 */
const page = Effect.fnUntraced(function* (
  { caller }: Principal,
  runCommand: RunCommand,
  chat: Chat,
  { start, limit, readSize }: { readonly start: number; readonly limit: number; readonly readSize: number }
): Effect.fn.Return<ReadonlyArray<Message>, Refused> {
  const found: Array<Message> = []
  let skipped = 0
  /** Messages up to this number have not been read yet. */
  let upTo = Number.MAX_SAFE_INTEGER
  let total = 0
  while (found.length < limit && upTo > 0) {
    if (total > 0) yield* Effect.yieldNow
    const offset = Math.max(0, total - upTo)
    const size = Math.min(readSize, start - skipped + limit - found.length)
    const read = yield* runCommand(caller, {
      _tag: "ReadHistory",
      chat: { id: chat.id },
      page: { start: offset, limit: size }
    })
    total = read.total
    if (start >= total) break
    for (const message of read.messages) {
      if (message.number > upTo || message.recalled) continue
      if (skipped < start) skipped++
      else if (found.length < limit) found.push(message)
    }
    upTo = Math.min(upTo, total - offset - size)
  }
  return found
})

/** Reads an integer from the query; undefined if absent. */
const integerOf = (query: Query, name: string): Effect.Effect<number | undefined, Refused> => {
  const value = query.get(name)
  if (value === undefined) return Effect.succeed(undefined)
  return /^-?[0-9]{1,15}$/.test(value) ? Effect.succeed(Number(value)) : invalid(name, "must be an integer")
}
