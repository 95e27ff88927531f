/** Counts of unread messages of a user, by chat. */
import * as Effect from "effect/Effect"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Maximum number of messages counted in one chat. */
export const MAX_COUNTED = 200
/** Maximum number of chats read concurrently. */
const MAX_CONCURRENT = 8

/** Unread messages of one chat. */
export interface Unread {
  /** The chat. */
  readonly id: number
  readonly gid: string
  /** Number of messages of others after the read cursor, without recalled and deleted ones, among the newest 200. */
  readonly count: number
  /** Whether there are older ones, which were not counted. */
  readonly more: boolean
}

/** Returns the chats with unread messages, by id. */
export const unreadOf = Effect.fnUntraced(function* (
  { engine, cursors, store }: EngineServices,
  id: UserId
): Effect.fn.Return<ReadonlyArray<Unread>, Refused | StorageFailed> {
  const chats = yield* engine.perform({ user: id, device: null }, { _tag: "ListChats" })
  const user = (yield* engine.context.users.find(id)) ?? (yield* refuse({ _tag: "NotLoggedIn" }))
  const own = yield* cursors.of(id, "")
  const behind = chats.flatMap(({ chat, head }) => {
    const read = Math.max(own.get(chat.id)?.read ?? 0, chat.members.get(id)?.joinSeq ?? 0)
    return head.posted > 0 && head.seq > read ? [{ chat, head, read }] : []
  })
  // The entry at the cursor has the number of messages posted up to it.
  const at = yield* store.entries(
    behind.flatMap(({ chat, read }) => (read > 0 ? [{ chat: chat.id, after: read - 1, limit: 1 }] : []))
  )
  const posted = new Map(at.map((entry) => [entry.chat, entry.posted]))
  const counts = yield* Effect.forEach(
    behind,
    Effect.fnUntraced(function* ({ chat, head }) {
      const first = (posted.get(chat.id) ?? 0) + 1
      const from = Math.max(first, head.posted - MAX_COUNTED + 1)
      if (from > head.posted) return []
      const messages = yield* store.history(chat.id, { from, to: head.posted, hiddenFrom: id })
      // Everybody is a member of a system chat, even users newer than its messages.
      const since = chat.type === "system" ? (user.since[chat.id] ?? 0) : 0
      const unread = messages.filter((message) => !message.recalled && message.sender !== id && message.seq > since)
      return [{ id: chat.id, gid: chat.gid, count: unread.length, more: unread.length > 0 && first < from }]
    }),
    { concurrency: MAX_CONCURRENT }
  )
  return counts.flat().filter(({ count }) => count > 0)
})
