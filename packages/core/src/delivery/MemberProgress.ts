/** Progress of a member in a chat, over all their devices: pushed, delivered and read. */
import * as Effect from "effect/Effect"
import type { Hub } from "./Hub.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import type { CursorStore } from "./CursorStore.ts"
import type { StorageFailed } from "../ports/Store.ts"

/** Sequences of the chat's log, 0 if none. They only move forward. */
export interface MemberProgress {
  readonly pushed: number
  readonly delivered: number
  readonly read: number
}

/** Returns the maximum over stored cursors and live connections. */
export const memberProgress = (
  cursors: CursorStore["Service"],
  hub: Hub["Service"],
  chat: ChatId,
  user: UserId
): Effect.Effect<MemberProgress, StorageFailed> =>
  Effect.map(cursors.in(chat, user), (stored) => {
    const live = hub.sessionsOf(user).flatMap((session) => session.subscriber?.subscription(chat)?.cursor ?? [])
    const all = [...stored, ...live]
    const newest = (part: "pushed" | "delivered" | "read"): number => Math.max(0, ...all.map((cursor) => cursor[part]))
    return { pushed: newest("pushed"), delivered: newest("delivered"), read: newest("read") }
  })
