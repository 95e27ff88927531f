/**
 * Where a member's device is in a chat's log. Places only move forward: a store keeps, of two writes of one place, the
 * farther of each part.
 */
import type { ChatId, UserId } from "./Ids.ts"

export interface Cursor {
  readonly chat: ChatId
  readonly user: UserId
  /** "" where a user has one device only. */
  readonly device: string
  /** The newest sequence that was handed to a live connection of theirs. */
  readonly pushed: number
  /** Everything up to this sequence is acknowledged, or needs no acknowledgement. */
  readonly delivered: number
  /** Sequences above `delivered` that are acknowledged, ascending; at most `MAX_ACKED`. */
  readonly acked: ReadonlyArray<number>
  /** The newest sequence that they have read. */
  readonly read: number
}

/** Acknowledgements beyond this many above the floor are forgotten, and what they were for is delivered again. */
export const MAX_ACKED = 1024

/**
 * Of two records of one place, the farther of each part. Commutative and idempotent; associative as long as no more
 * than `MAX_ACKED` acknowledgements come together, beyond which the highest are forgotten.
 */
export const mergeCursors = (a: Cursor, b: Cursor): Cursor => {
  const delivered = Math.max(a.delivered, b.delivered)
  const acked = [...new Set([...a.acked, ...b.acked])].filter((seq) => seq > delivered).sort((x, y) => x - y)
  return {
    chat: a.chat,
    user: a.user,
    device: a.device,
    pushed: Math.max(a.pushed, b.pushed),
    delivered,
    acked: acked.slice(0, MAX_ACKED),
    read: Math.max(a.read, b.read)
  }
}
