/** Chats for embedders: the engine's facts in one object. */
import type { Chat, LogHead } from "../model/Chat.ts"
import type { ChatView, OwnChatView } from "../model/Command.ts"

/** A chat and its log's head. Times are milliseconds since 1970. */
export interface ChatInfo extends Chat {
  /** End of the chat's log: its newest sequence, and when it was written. */
  readonly head: LogHead
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

export const chatInfo = ({ chat, head }: ChatView): ChatInfo => ({ ...chat, head })

export const ownChatInfo = ({ chat, head, preference }: OwnChatView): OwnChatInfo => ({
  ...chat,
  head,
  star: preference.star,
  hide: preference.hide,
  mute: preference.mute
})
