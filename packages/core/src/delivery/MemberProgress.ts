/** Progress of members in a chat, over all their devices: pushed, delivered and read. */
import * as Effect from "effect/Effect"
import type { Hub } from "./Hub.ts"
import type { UserId } from "../model/Ids.ts"
import type { CursorStore } from "./CursorStore.ts"
import { type ChatToScan, readPositions } from "./ReadPositions.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"

/** Sequences of the chat's log, 0 if none. They only move forward. */
export interface MemberProgress {
  /** Sequence up to which entries were sent to a device of the member. */
  readonly pushed: number
  /** Sequence up to which a device has acknowledged all entries. */
  readonly delivered: number
  /** A member's own messages count as read. */
  readonly read: number
}

/** Services that have the progress of members. */
export interface ProgressSources {
  /** Stored cursors, and those that wait to be stored. */
  readonly cursors: CursorStore["Service"]
  /** Connections of this node. */
  readonly hub: Pick<Hub["Service"], "sessionsOf">
  /** The log. */
  readonly store: Store["Service"]
}

/** Returns each user's maximum over stored cursors, live connections and, for `read`, their own messages. */
export const memberProgress = Effect.fnUntraced(function* (
  { cursors, hub, store }: ProgressSources,
  scanned: ChatToScan,
  users: ReadonlyArray<UserId>
): Effect.fn.Return<ReadonlyMap<UserId, MemberProgress>, StorageFailed> {
  const { chat } = scanned
  const read = yield* readPositions(store, scanned, users)
  const progress = new Map<UserId, MemberProgress>()
  for (const user of users) {
    const live = hub.sessionsOf(user).flatMap((session) => session.subscriber?.subscription(chat)?.cursor ?? [])
    const all = [...(yield* cursors.in(chat, user)), ...live]
    const newest = (part: "pushed" | "delivered"): number => Math.max(0, ...all.map((cursor) => cursor[part]))
    progress.set(user, { pushed: newest("pushed"), delivered: newest("delivered"), read: read.get(user) ?? 0 })
  }
  return progress
})
