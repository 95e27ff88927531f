/**
 * `GET /message`: a conversation's messages, newest first, with how far each has come. Source: seeds/003,
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
import type { RunCommand } from "../_http/runCommands.ts"
import type { Query } from "../_http/query.ts"
import { conversation, otherOf } from "./conversations.ts"
import type { Principal } from "./auth.ts"
import { contentOf } from "./encode.ts"

/** Messages in one answer. */
export interface Limits {
  /** Where the request gives no `limit`. */
  readonly usual: number
  readonly most: number
}

/** Messages read at once while those that are not to be seen are left out. */
const STRIDE = 500

export interface ListedMessage {
  /** The sender's. */
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
  readonly limits: Limits
}

/** The states are as they were when the list was asked for; then the caller has read up to the newest listed. */
export const listMessages = Effect.fnUntraced(function* (
  { engine, hub, cursors, limits }: ListDeps,
  principal: Principal,
  perform: RunCommand,
  query: Query
): Effect.fn.Return<ReadonlyArray<ListedMessage>, Refused | StorageFailed> {
  const { user, caller } = principal
  const id = yield* number(query, "conversationid")
  if (id === undefined) return yield* invalid("conversationid", "is missing")
  const start = (yield* number(query, "start")) ?? 0
  if (start < 0) return yield* invalid("start", "must be an integer from 0")
  const limit = (yield* number(query, "limit")) ?? limits.usual
  if (limit < 1 || limit > limits.most) return yield* invalid("limit", `must be an integer from 1 to ${limits.most}`)
  const chat = yield* conversation(principal, perform, id)
  const messages = yield* page(principal, perform, chat, {
    start,
    limit,
    stride: Math.min(STRIDE, engine.context.settings.history)
  })
  const other = otherOf(chat, user.id)
  const mine = yield* memberProgress(cursors, hub, chat.id, user.id)
  const theirs = yield* memberProgress(cursors, hub, chat.id, other)
  const known = new Map((yield* engine.context.users.findMany([user.id, other])).map((one) => [one.id, one]))
  const newest = messages[0]?.seq ?? 0
  if (newest > mine.read) yield* perform(caller, { _tag: "MarkRead", chat: { id: chat.id }, upTo: newest })
  return messages.map((message) =>
    listed(
      message,
      message.sender === null ? undefined : known.get(message.sender),
      // A message's states are those of whom it was sent to.
      message.sender === user.id ? theirs : mine
    )
  )
})

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
 * `limit` messages after the `start` newest, not counting those that the caller hid or that were deleted for both: so
 * that pages are full and follow on each other. Messages that come in meanwhile do not move it.
 */
const page = Effect.fnUntraced(function* (
  { caller }: Principal,
  perform: RunCommand,
  chat: Chat,
  { start, limit, stride }: { readonly start: number; readonly limit: number; readonly stride: number }
): Effect.fn.Return<ReadonlyArray<Message>, Refused> {
  const found: Array<Message> = []
  let skipped = 0
  /** Messages up to this number are still to be looked at. */
  let upTo = Number.MAX_SAFE_INTEGER
  let total = 0
  while (found.length < limit && upTo > 0) {
    if (total > 0) yield* Effect.yieldNow
    const past = Math.max(0, total - upTo)
    const size = Math.min(stride, start - skipped + limit - found.length)
    const read = yield* perform(caller, {
      _tag: "ReadHistory",
      chat: { id: chat.id },
      page: { start: past, limit: size }
    })
    total = read.total
    if (start >= total) break
    for (const message of read.messages) {
      if (message.number > upTo || message.recalled) continue
      if (skipped < start) skipped++
      else if (found.length < limit) found.push(message)
    }
    upTo = Math.min(upTo, total - past - size)
  }
  return found
})

/** An integer of the query; nothing where it is not given. */
const number = (query: Query, name: string): Effect.Effect<number | undefined, Refused> => {
  const given = query.get(name)
  if (given === undefined) return Effect.succeed(undefined)
  return /^-?[0-9]{1,15}$/.test(given) ? Effect.succeed(Number(given)) : invalid(name, "must be an integer")
}
