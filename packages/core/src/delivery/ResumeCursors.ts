/** Where a session begins in each of its user's chats. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import type { Place } from "../model/Cursor.ts"
import type { Places } from "./CursorStore.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import type { WarmChat, WarmChats } from "../cache/ChatCache.ts"

export interface Start {
  readonly place: Pick<Place, "chat" | "pushed" | "delivered" | "acked">
  /** The newest sequence of the chat's log. */
  readonly head: number
}

interface Sources {
  readonly places: Places["Service"]
  readonly store: Store["Service"]
  readonly chats: WarmChats
}

/**
 * The device's own place; for a device that was never here, where the user's farthest one is; for a user who was never
 * here, what they joined with.
 */
export const startingPlaces = Effect.fnUntraced(function* (
  { places, store, chats }: Sources,
  user: User,
  device: string,
  ids: ReadonlyArray<ChatId>
): Effect.fn.Return<ReadonlyArray<Start>, StorageFailed> {
  const known = yield* places.of(user.id, device)
  const floors = new Map<ChatId, number>()
  for (const warm of yield* chats.all(ids)) {
    const { id } = warm.chat
    const place = known.get(id)
    if (place !== undefined && (place.delivered > 0 || place.pushed > 0)) continue
    if (device !== "") {
      const others = yield* places.in(id, user.id)
      floors.set(id, Math.max(0, ...others.map((other) => other.delivered)))
    }
    if (warm.chat.type === "system" && (floors.get(id) ?? 0) === 0) {
      floors.set(id, yield* seqAt(store, warm, user.since))
    }
  }
  // Facts as they are now, in one turn with the subscribing: a kick may have come in between.
  return (yield* chats.all(ids)).flatMap((warm): ReadonlyArray<Start> => {
    const { chat } = warm
    if (chat.dissolved || !isMember(chat, user.id)) return []
    const place = known.get(chat.id)
    const joined = chat.members.get(user.id)?.joinSeq ?? 0
    const delivered = Math.max(place?.delivered ?? 0, floors.get(chat.id) ?? 0, joined)
    const acked = place?.acked.filter((seq) => seq > delivered) ?? []
    return [{ place: { chat: chat.id, pushed: place?.pushed ?? 0, delivered, acked }, head: warm.seq }]
  })
})

/** The newest sequence whose entry is not newer than `since`, by halving the log. */
const seqAt = Effect.fnUntraced(function* (
  store: Store["Service"],
  warm: WarmChat,
  since: EntryId
): Effect.fn.Return<number, StorageFailed> {
  let low = 0
  let high = warm.seq
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [entry] = yield* store.entries([{ chat: warm.chat.id, after: middle, limit: 1 }])
    if (entry !== undefined && entry.id <= since) low = entry.seq
    else high = middle
  }
  return low
})
