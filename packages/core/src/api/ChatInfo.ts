/** Chats as embedders see them: the engine's facts in one object. */
import type { Chat, Head } from "../model/Chat.ts"
import type { ChatView, OwnChatView } from "../model/Command.ts"

/** A chat and how far its log has come. Times are milliseconds since 1970. */
export interface Conversation extends Chat {
  readonly head: Head
}

/** A chat with what one member set for themself. */
export interface OwnConversation extends Conversation {
  readonly star: boolean
  readonly hide: boolean
  readonly mute: boolean
}

export const conversation = ({ chat, head }: ChatView): Conversation => ({ ...chat, head })

export const ownConversation = ({ chat, head, preference }: OwnChatView): OwnConversation => ({
  ...chat,
  head,
  star: preference.star,
  hide: preference.hide,
  mute: preference.mute
})
