/** Notices of unread messages, and read marks. */
import type { Command as EngineCommand, ReplyOf, UnreadCount } from "@parley/core/Command"
import type { Refused } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { MessageOf } from "./schema.ts"
import { Cmd, Op } from "./codec.ts"
import type { Deps, Handler } from "./context.ts"
import { mentions, toWire } from "./content.ts"
import { convType } from "./encode.ts"
import { Code, fail } from "./errors.ts"
import { chatRef, conversationId, messageId } from "./ids.ts"
import { lastBefore } from "./positions.ts"

/** Maximum number of conversations in the notice after a login, those with the newest chat ids. */
const MAX_CONVERSATIONS = 200
/** Newest messages of a conversation in which a mention is looked for. */
const MAX_SEARCHED = 20
/** Conversations that are read concurrently. */
const MAX_CONCURRENT = 8

type Run = <C extends EngineCommand>(command: C) => Effect.Effect<ReplyOf<C>, Refused>

/** Returns the notice of all unread messages of a user; undefined if there are none. */
export const unreadConversations = Effect.fnUntraced(function* (
  deps: Deps,
  run: Run,
  user: User
): Effect.fn.Return<MessageOf<"Unread"> | undefined, Refused | StorageFailed> {
  const counts = yield* run({ _tag: "CountUnread" })
  if (counts.length === 0) return undefined
  const newest = counts.slice(-MAX_CONVERSATIONS)
  const convs = yield* Effect.forEach(newest, (count) => notice(deps, user, count), { concurrency: MAX_CONCURRENT })
  return { convs, notifTime: yield* Clock.currentTimeMillis }
})

/** Returns the notice of one conversation, with its last message. */
const notice = Effect.fnUntraced(function* (
  { store, engine, facts }: Deps,
  user: User,
  { chat, count }: UnreadCount
): Effect.fn.Return<MessageOf<"UnreadTuple">, StorageFailed> {
  const tuple = { cid: conversationId(chat), unread: count, convType: convType(chat) }
  const posted = (yield* engine.context.chats.find({ id: chat.id }))?.posted ?? 0
  const from = Math.max(1, posted - Math.min(count, MAX_SEARCHED) + 1)
  const newest = posted === 0 ? [] : yield* store.history(chat.id, { from, to: posted, hiddenFrom: user.id })
  const [last] = newest
  if (last === undefined) return tuple
  const { msg, binaryMsg } = toWire(last, facts.linkOf)
  const mentioned = newest.some((message) => message.sender !== user.id && mentions(toWire(message), user.account))
  return {
    ...tuple,
    mid: messageId(last.id),
    timestamp: last.date,
    from: facts.clientOf(last.sender),
    ...(msg !== undefined && { data: msg }),
    ...(binaryMsg !== undefined && { binaryMsg }),
    mentioned
  }
})

/** Times up to which the other members have read: of the only other one, or of each with `queryAllMembers`. */
export const readMarks: Handler = Effect.fnUntraced(function* ({ deps, user, command, run }) {
  const { cid = "", queryAllMembers = false } = command.conv ?? {}
  const ref = chatRef(cid)
  if (ref === undefined) return yield* fail(Code.conversationNotFound, "There is no such conversation.")
  const { chat, marks } = yield* run({ _tag: "ListReadMarks", chat: ref })
  const others = marks.filter((mark) => mark.user !== user.id && mark.read > 0)
  const entries =
    others.length === 0
      ? []
      : yield* deps.store.entries(others.map(({ read }) => ({ chat: chat.id, after: read - 1, limit: 1 })))
  const times = new Map(entries.map(({ seq, at }) => [seq, at]))
  const tuples = others.map((mark): MessageOf<"MaxRead"> => ({
    pid: deps.facts.clientOf(mark.user),
    maxReadTimestamp: times.get(mark.read) ?? 0
  }))
  const [only] = tuples
  return {
    cmd: Cmd.conv,
    op: Op.result,
    conv: {
      cid,
      ...(queryAllMembers && { maxReadTuples: tuples }),
      ...(chat.members.size === 2 &&
        only?.maxReadTimestamp !== undefined && { maxReadTimestamp: only.maxReadTimestamp })
    }
  }
})

/** Maximum number of conversations of one command. */
const MAX_MARKS = 100

/** Marks conversations as read, up to a message, a time or the newest message. Other devices get a notice. */
export const readConversations: Handler = Effect.fnUntraced(function* ({ deps, command, run }) {
  const { cid, cids = [], convs = [] } = command.read ?? {}
  const marks: ReadonlyArray<MessageOf<"ReadTuple">> = [
    ...(cid === undefined ? [] : [{ cid }]),
    ...cids.map((one) => ({ cid: one })),
    ...convs
  ]
  if (marks.length > MAX_MARKS) {
    return yield* fail(Code.notAllowed, `A command may name at most ${MAX_MARKS} conversations.`)
  }
  for (const { cid: conversation = "", mid = "", timestamp = 0 } of marks) {
    const ref = chatRef(conversation)
    if (ref === undefined) return yield* fail(Code.conversationNotFound, "There is no such conversation.")
    const { chat, head } = yield* run({ _tag: "ReadChat", chat: ref })
    // Messages that came after the client's command are not read.
    const number = yield* lastBefore(deps, chat.id, head.posted, { message: mid, time: timestamp, included: true })
    const [message] = number < 1 ? [] : yield* deps.store.history(chat.id, { from: number, to: number })
    if (message !== undefined) yield* run({ _tag: "MarkRead", chat: { id: chat.id }, upTo: { message: message.id } })
  }
  return undefined
})
