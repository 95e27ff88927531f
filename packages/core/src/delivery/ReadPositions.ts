/**
 * Positions up to which users have read a chat. Posting counts as reading: a position is the larger of the stored cursor and the user's
 * newest message, which is found in the log, so that sending writes no cursor.
 */
import * as Effect from "effect/Effect"
import type { ChatId, UserId } from "../model/Ids.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import { readBackwards } from "./readBackwards.ts"

/** Number of newest messages in which those of a user are looked for. */
export const MAX_SCANNED = 1000

/** A chat, and the number of its messages. */
export interface ChatToScan {
  readonly chat: ChatId
  readonly posted: number
  /** Sequence below which a position need not be exact; 0 by default. */
  readonly downTo?: number
}

/** Returns the sequence of each user's position, 0 for none. */
export const readPositions = Effect.fnUntraced(function* (
  store: Store["Service"],
  { chat, posted, downTo = 0 }: ChatToScan,
  users: ReadonlyArray<UserId>
): Effect.fn.Return<ReadonlyMap<UserId, number>, StorageFailed> {
  const positions = new Map(users.map((user) => [user, 0]))
  const advance = (user: UserId, seq: number): void => void positions.set(user, Math.max(positions.get(user) ?? 0, seq))
  for (const { user, read } of yield* store.cursorsIn(chat, users)) advance(user, read)
  const open = new Set(users)
  if (open.size === 0) return positions
  const from = Math.max(1, posted - MAX_SCANNED + 1)
  yield* readBackwards(store, chat, { from, to: posted }, (messages) => {
    for (const { sender, seq } of messages) if (sender !== null && open.delete(sender)) advance(sender, seq)
    const reached = Math.max(downTo, (messages.at(-1)?.seq ?? 1) - 1)
    if (reached === downTo && downTo > 0) return false
    for (const user of open) if ((positions.get(user) ?? 0) >= reached) open.delete(user)
    return open.size > 0
  })
  return positions
})
