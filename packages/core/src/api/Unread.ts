/** How many messages a user has not read, for each of their chats. */
import * as Effect from "effect/Effect"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Messages counted in one chat, at most. */
export const COUNTED = 200
/** Chats read side by side. */
const SIDE_BY_SIDE = 8

export interface Unread {
  /** The chat. */
  readonly id: number
  readonly gid: string
  /** Messages of others behind the read place, recalled and deleted ones left out, among the newest 200. */
  readonly count: number
  /** Whether there are older ones, which were not counted. */
  readonly more: boolean
}

/** The chats in which there is something, by id. */
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
  // The entry at the place says how many messages had been posted up to there.
  const at = yield* store.entries(
    behind.flatMap(({ chat, read }) => (read > 0 ? [{ chat: chat.id, after: read - 1, limit: 1 }] : []))
  )
  const posted = new Map(at.map((entry) => [entry.chat, entry.posted]))
  const counts = yield* Effect.forEach(
    behind,
    Effect.fnUntraced(function* ({ chat, head }) {
      const first = (posted.get(chat.id) ?? 0) + 1
      const from = Math.max(first, head.posted - COUNTED + 1)
      if (from > head.posted) return []
      const messages = yield* store.history(chat.id, { from, to: head.posted, hiddenFrom: id })
      // Everybody is a member of a system chat, also those who came after its messages.
      const since = chat.type === "system" ? user.since : 0
      const news = messages.filter((message) => !message.recalled && message.sender !== id && message.id > since)
      return [{ id: chat.id, gid: chat.gid, count: news.length, more: news.length > 0 && first < from }]
    }),
    { concurrency: SIDE_BY_SIDE }
  )
  return counts.flat().filter(({ count }) => count > 0)
})
