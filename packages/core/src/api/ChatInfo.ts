/** Chats for embedders: the engine's facts in one object. */
import { type Chat, type LogHead, slowModeOf } from "../model/Chat.ts"
import type { ChatView, OwnChatView } from "../model/Command.ts"

/** A chat and its log's head. Times are milliseconds since 1970. */
export interface ChatInfo extends Chat {
  /** End of the chat's log: its newest sequence, and when it was written. */
  readonly head: LogHead
  /** Seconds that a member who is not an admin must wait between two messages; 0 without slow mode. */
  readonly slowMode: number
}

/** A chat with one member's own flags. */
export interface OwnChatInfo extends ChatInfo {
  /** Whether the member has starred it. */
  readonly star: boolean
  /** Whether the member has hidden it. */
  readonly hide: boolean
  /** Whether the member has muted it. */
  readonly mute: boolean
}

export const chatInfo = ({ chat, head }: ChatView): ChatInfo => ({ ...chat, head, slowMode: slowModeOf(chat) })

export const ownChatInfo = ({ chat, head, preference }: OwnChatView): OwnChatInfo => ({
  ...chatInfo({ chat, head }),
  star: preference.star,
  hide: preference.hide,
  mute: preference.mute
})
