import type { Chat } from "@parley/core/Chat"

/** Snapshot of a session: the chat and the newest sequence of its log. */
export interface SparkSession {
  readonly chat: Chat
  readonly seq: number
}
