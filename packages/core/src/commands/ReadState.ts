/** Commands on read state: read marks, and counts of unread messages. */
import * as Effect from "effect/Effect"
import type {
  ConfirmDelivery,
  CountUnread,
  ListReadMarks,
  MarkRead,
  ReadMark,
  ReadPosition,
  ReplyOf,
  UnreadCount
} from "../model/Command.ts"
import type { Cursor } from "../model/Cursor.ts"
import type { ChatId } from "../model/Ids.ts"
import { nextEphemeralId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { isMember } from "../model/Chat.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import { readBackwards } from "../delivery/readBackwards.ts"
import { readPositions } from "../delivery/ReadPositions.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import {
  type CommandContext,
  type CommandHandler,
  type Invocation,
  invalid,
  permitted,
  type Plan,
  replyWith,
  viewerOf
} from "./CommandHandler.ts"

/** Maximum number of messages counted in one chat. */
export const MAX_COUNTED = 200
/** Maximum number of chats read concurrently. */
const MAX_CONCURRENT = 8

/** Returns the entries of these sequences, by sequence; 0 has none. */
const entriesAt = Effect.fnUntraced(function* (
  store: Store["Service"],
  chat: ChatId,
  seqs: Iterable<number>
): Effect.fn.Return<ReadonlyMap<number, Entry>, StorageFailed> {
  const ranges = [...new Set(seqs)].flatMap((seq) => (seq > 0 ? [{ chat, after: seq - 1, limit: 1 }] : []))
  return new Map((ranges.length === 0 ? [] : yield* store.entries(ranges)).map((entry) => [entry.seq, entry]))
})

/** Returns the sequence that a mark names, at most the head's. */
const sequenceOf = Effect.fnUntraced(function* (
  { store }: CommandContext,
  { chat, seq: head }: CachedChat,
  upTo: MarkRead["upTo"]
): Effect.fn.Return<number, Refused | StorageFailed> {
  if (typeof upTo === "object") {
    const [found] = yield* store.locate([upTo.message])
    return found?.chat === chat.id ? found.seq : yield* refuse({ _tag: "NoSuchMessage" })
  }
  const seq = upTo ?? head
  if (!Number.isInteger(seq) || seq < 0) return yield* refuse(invalid("upTo", "must be a sequence of the chat's log"))
  return Math.min(seq, head)
})

export const markRead: CommandHandler<MarkRead> = Effect.fnUntraced(
  function* (context, invocation, command): Effect.fn.Return<Plan<ReplyOf<MarkRead>>, Refused | StorageFailed> {
    const cached = yield* permitted(context, invocation, command.chat, "read")
    const { chat } = cached
    const user = invocation.user.id
    const seq = yield* sequenceOf(context, cached, command.upTo)
    const stored = yield* context.store.cursorsIn(chat.id, [user])
    const read = Math.max(seq, ...stored.map((cursor) => cursor.read))
    const readId = (yield* entriesAt(context.store, chat.id, [read])).get(read)?.id
    // A mark that is not ahead changes nothing, and has no event.
    if (readId === undefined || read > seq || stored.some((cursor) => cursor.read === seq)) {
      return replyWith({ chat, read, readId: readId ?? 0 })
    }
    const cursor: Cursor = { chat: chat.id, user, device: "", pushed: 0, delivered: 0, acked: [], read }
    return {
      batch: { expectedVersions: [], writes: [{ _tag: "MoveCursor", cursor }] },
      toOutcome: () => ({
        reply: { chat, read, readId },
        broadcasts: [
          { event: { _tag: "ReadEvent", id: nextEphemeralId(), chat, user, read, readId }, to: { chat: chat.id } }
        ]
      })
    }
  }
)

export const confirmDelivery: CommandHandler<ConfirmDelivery> = Effect.fnUntraced(
  function* (context, invocation, command): Effect.fn.Return<Plan<ReplyOf<ConfirmDelivery>>, Refused | StorageFailed> {
    const cached = yield* permitted(context, invocation, command.chat, "read")
    const { chat } = cached
    const delivered = yield* sequenceOf(context, cached, command.upTo)
    const event = { _tag: "DeliveredEvent", id: nextEphemeralId(), chat, user: invocation.user.id, delivered } as const
    return {
      batch: undefined,
      toOutcome: () => ({
        reply: { chat, delivered },
        broadcasts: chat.type === "system" ? [] : [{ event, to: { chat: chat.id } }]
      })
    }
  }
)

export const listReadMarks: CommandHandler<ListReadMarks> = Effect.fnUntraced(
  function* (context, invocation, command): Effect.fn.Return<Plan<ReplyOf<ListReadMarks>>, Refused | StorageFailed> {
    const { chat, posted } = yield* permitted(context, invocation, command.chat, "read")
    const limit = context.settings.membersPerRequest
    const isSystem = chat.type === "system"
    const { users: seen } = isSystem ? yield* context.visibility.all(viewerOf(invocation)) : { users: [] }
    const everybody = isSystem ? seen.map(({ id }) => id) : Array.from(chat.members.keys())
    const users = command.users === undefined ? everybody : [...new Set(command.users)]
    if (users.length > limit) return yield* refuse(invalid("users", `must name at most ${limit} users`))
    const known = isSystem && context.visibility.isLimited ? new Set(everybody) : undefined
    const members = users.filter((user) => isMember(chat, user) && known?.has(user) !== false)
    const positions = yield* readPositions(context.store, { chat: chat.id, posted }, members)
    const entries = yield* entriesAt(context.store, chat.id, positions.values())
    const marks = members.map((user): ReadMark => {
      const read = positions.get(user) ?? 0
      return { user, read, readId: entries.get(read)?.id ?? 0 }
    })
    return replyWith({ chat, marks })
  }
)

/** The caller's stored position in a chat, and the entry there. */
interface Behind {
  readonly cached: CachedChat
  readonly read: number
  readonly at: Pick<Entry, "id" | "posted"> | undefined
}

export const countUnread: CommandHandler<CountUnread> = Effect.fnUntraced(
  function* (context, invocation, command): Effect.fn.Return<Plan<ReplyOf<CountUnread>>, Refused | StorageFailed> {
    const { chats, store } = context
    const { id } = invocation.user
    const own =
      command.chat === undefined
        ? yield* chats.findMany(yield* store.chatsOf(id))
        : [yield* permitted(context, invocation, command.chat, "read")]
    const cursors = new Map((yield* store.cursorsOf(id, "")).map((cursor) => [cursor.chat, cursor.read]))
    const behind = own.flatMap((cached) => {
      const read = Math.max(cursors.get(cached.chat.id) ?? 0, cached.chat.members.get(id)?.joinSeq ?? 0)
      return cached.posted > 0 && cached.seq > read ? [{ cached, read }] : []
    })
    const found = yield* store.entries(
      behind.flatMap(({ cached, read }) => (read > 0 ? [{ chat: cached.chat.id, after: read - 1, limit: 1 }] : []))
    )
    const at = new Map(found.map((entry) => [entry.chat, entry]))
    const counts = yield* Effect.forEach(
      behind,
      ({ cached, read }) => countIn(store, invocation, { cached, read, at: at.get(cached.chat.id) }),
      { concurrency: MAX_CONCURRENT }
    )
    return replyWith(counts.filter(({ count }) => count > 0))
  }
)

/** Counts messages of others from the newest one back to the position, or to the caller's own newest message. */
const countIn = Effect.fnUntraced(function* (
  store: Store["Service"],
  { user }: Invocation,
  { cached, read, at }: Behind
): Effect.fn.Return<UnreadCount, StorageFailed> {
  const { chat, posted } = cached
  // The entry at the position has the number of messages posted up to it.
  const first = (at?.posted ?? 0) + 1
  const oldestCounted = Math.max(first, posted - MAX_COUNTED + 1)
  // Everybody is a member of a system chat, even users newer than its messages.
  const since = chat.type === "system" ? (user.since[chat.id] ?? 0) : 0
  let position: ReadPosition = { read, readId: at?.id ?? 0 }
  let count = 0
  let more = first < oldestCounted
  if (first > posted) return { chat, count, more, ...position }
  // One older message shows whether the caller had read up to the oldest counted one.
  const from = Math.max(first, oldestCounted - 1)
  yield* readBackwards(store, chat.id, { from, to: posted, hiddenFrom: user.id }, (messages) => {
    for (const message of messages) {
      if (message.sender === user.id || message.seq <= since) {
        if (message.sender === user.id) position = { read: message.seq, readId: message.id }
        more = false
        return false
      }
      if (!message.recalled && message.number >= oldestCounted) count++
    }
    return true
  })
  return { chat, count, more: more && count > 0, ...position }
})
