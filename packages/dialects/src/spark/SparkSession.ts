import type { Chat } from "@parley/core/Chat"

/** A session as it was at one moment: the chat, and the newest sequence of its log. */
export interface SparkSession {
  readonly chat: Chat
  readonly seq: number
}
