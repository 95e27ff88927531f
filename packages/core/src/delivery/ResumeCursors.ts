/** Cursors at which a session resumes in each of its user's chats. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Cursor } from "../model/Cursor.ts"
import type { CursorStore } from "./CursorStore.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import type { ChatCache } from "../cache/ChatCache.ts"

export interface ResumePoint {
  readonly cursor: Pick<Cursor, "chat" | "pushed" | "delivered" | "acked">
  /** Newest sequence of the chat's log. */
  readonly head: number
}

interface Sources {
  readonly cursors: CursorStore["Service"]
  readonly chats: ChatCache
}

/**
 * Returns the device's own cursor; for a new device, the newest position of the user's other devices; for a new user,
 * the position at which they joined.
 */
export const resumeCursors = Effect.fnUntraced(function* (
  { cursors, chats }: Sources,
  user: User,
  device: string,
  ids: ReadonlyArray<ChatId>
): Effect.fn.Return<ReadonlyArray<ResumePoint>, StorageFailed> {
  const known = yield* cursors.of(user.id, device)
  const floors = new Map<ChatId, number>()
  for (const cached of yield* chats.findMany(ids)) {
    const { id } = cached.chat
    const cursor = known.get(id)
    if (cursor !== undefined && (cursor.delivered > 0 || cursor.pushed > 0)) continue
    if (device !== "") {
      const others = yield* cursors.in(id, user.id)
      floors.set(id, Math.max(0, ...others.map((other) => other.delivered)))
    }
    if (cached.chat.type === "system" && (floors.get(id) ?? 0) === 0) {
      floors.set(id, user.since[id] ?? 0)
    }
  }
  // Facts as of now, in the same turn as the subscription: the user may have been removed meanwhile.
  return (yield* chats.findMany(ids)).flatMap((cached): ReadonlyArray<ResumePoint> => {
    const { chat } = cached
    if (chat.dissolved || !isMember(chat, user.id)) return []
    const cursor = known.get(chat.id)
    const joined = chat.members.get(user.id)?.joinSeq ?? 0
    const delivered = Math.max(cursor?.delivered ?? 0, floors.get(chat.id) ?? 0, joined)
    const acked = cursor?.acked.filter((seq) => seq > delivered) ?? []
    return [{ cursor: { chat: chat.id, pushed: cursor?.pushed ?? 0, delivered, acked }, head: cached.seq }]
  })
})
