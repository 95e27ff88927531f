/** Notices of unread messages, and read marks. */
import type { Command as EngineCommand, ReplyOf, UnreadCount } from "@parley/core/Command"
import type { ChatId, UserId } from "@parley/core/Ids"
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
import { loadUsers } from "./loadUsers.ts"
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
  deps: Deps,
  user: User,
  { chat, count }: UnreadCount
): Effect.fn.Return<MessageOf<"UnreadTuple">, StorageFailed> {
  const { store, engine, facts } = deps
  const tuple = { cid: conversationId(chat), unread: count, convType: convType(chat) }
  const posted = (yield* engine.context.chats.find({ id: chat.id }))?.posted ?? 0
  const from = Math.max(1, posted - Math.min(count, MAX_SEARCHED) + 1)
  const newest = posted === 0 ? [] : yield* store.history(chat.id, { from, to: posted, hiddenFrom: user.id })
  const [last] = newest
  if (last === undefined) return tuple
  yield* loadUsers(deps, [last.sender])
  const { msg, binaryMsg } = toWire(last, facts.linkOf)
  const mentioned = newest.some((message) => message.sender !== user.id && mentions(toWire(message), user.account))
  return {
    ...tuple,
    mid: messageId(last),
    timestamp: last.date,
    from: facts.clientOf(last.sender),
    ...(msg !== undefined && { data: msg }),
    ...(binaryMsg !== undefined && { binaryMsg }),
    mentioned
  }
})

/**
 * Times up to which the other members have received and read messages: of the only other one, or of each with
 * `queryAllMembers`. Messages before a received one count as received.
 */
export const readMarks: Handler = Effect.fnUntraced(function* ({ deps, user, command, run }) {
  const { cid = "", queryAllMembers = false } = command.conv ?? {}
  const ref = chatRef(cid)
  if (ref === undefined) return yield* fail(Code.conversationNotFound, "There is no such conversation.")
  const { chat, marks } = yield* run({ _tag: "ListReadMarks", chat: ref })
  const isPair = chat.members.size === 2
  const others = isPair || queryAllMembers ? marks.filter((mark) => mark.user !== user.id) : []
  yield* loadUsers(
    deps,
    others.map((mark) => mark.user)
  )
  const delivered = yield* deliveredPositions(
    deps,
    chat.id,
    others.map((mark) => mark.user)
  )
  const positions = others.map((mark) => ({ ...mark, delivered: Math.max(mark.read, delivered.get(mark.user) ?? 0) }))
  const times = yield* timesAt(
    deps,
    chat.id,
    positions.flatMap((one) => [one.read, one.delivered])
  )
  const tuples = positions
    .filter((one) => one.delivered > 0)
    .map((one): MessageOf<"MaxRead"> => ({
      pid: deps.facts.clientOf(one.user),
      ...(times.has(one.delivered) && { maxAckTimestamp: times.get(one.delivered) ?? 0 }),
      ...(times.has(one.read) && { maxReadTimestamp: times.get(one.read) ?? 0 })
    }))
  const [only] = tuples
  const { maxAckTimestamp, maxReadTimestamp } = only ?? {}
  return {
    cmd: Cmd.conv,
    op: Op.result,
    conv: {
      cid,
      ...(queryAllMembers && { maxReadTuples: tuples }),
      ...(isPair && maxAckTimestamp !== undefined && { maxAckTimestamp }),
      ...(isPair && maxReadTimestamp !== undefined && { maxReadTimestamp })
    }
  }
})

/** Returns up to which sequence a device of each user has received a chat's log; none for users without a position. */
const deliveredPositions = Effect.fnUntraced(function* (
  { store, hub }: Deps,
  chat: ChatId,
  users: ReadonlyArray<UserId>
): Effect.fn.Return<ReadonlyMap<UserId, number>, StorageFailed> {
  if (users.length === 0) return new Map()
  const positions = new Map<UserId, number>()
  const live = users.flatMap((user) =>
    hub.sessionsOf(user).flatMap(({ subscriber }) => {
      const subscription = subscriber?.subscription(chat)
      return subscription?.isConfirmed === true ? [{ user, delivered: subscription.cursor.delivered }] : []
    })
  )
  for (const { user, delivered } of [...(yield* store.cursorsIn(chat, users)), ...live]) {
    positions.set(user, Math.max(positions.get(user) ?? 0, delivered))
  }
  return positions
})

/** Returns the times of the log's entries of these sequences. */
const timesAt = Effect.fnUntraced(function* (
  { store }: Deps,
  chat: ChatId,
  seqs: ReadonlyArray<number>
): Effect.fn.Return<ReadonlyMap<number, number>, StorageFailed> {
  const ranges = [...new Set(seqs)].flatMap((seq) => (seq > 0 ? [{ chat, after: seq - 1, limit: 1 }] : []))
  const entries = ranges.length === 0 ? [] : yield* store.entries(ranges)
  return new Map(entries.map(({ seq, at }) => [seq, at]))
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
