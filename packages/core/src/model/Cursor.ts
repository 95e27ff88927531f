/**
 * Position of a member's device in a chat's log. Cursors only move forward: of two writes of one cursor, a store keeps
 * the larger value of each part.
 */
import type { ChatId, UserId } from "./Ids.ts"

/** Position of one device of a user in one chat's log, by sequence. */
export interface Cursor {
  /** The chat. */
  readonly chat: ChatId
  /** The member. */
  readonly user: UserId
  /** "" for a user with a single device. */
  readonly device: string
  /** Newest sequence that was sent to a live connection of theirs. */
  readonly pushed: number
  /** Everything up to this sequence is acknowledged, or needs no acknowledgement. */
  readonly delivered: number
  /** Sequences above `delivered` that are acknowledged, ascending; at most `MAX_ACKED`. */
  readonly acked: ReadonlyArray<number>
  /** Newest sequence that they have read. */
  readonly read: number
}

/**
 * Maximum number of acknowledgements above the floor. Further ones are dropped, and their entries are delivered again.
 */
export const MAX_ACKED = 1024

/**
 * Merges two records of one cursor: the larger value of each part. Commutative and idempotent; associative up to
 * `MAX_ACKED` acknowledgements, beyond which the highest are dropped.
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
