/** Chats for embedders: the engine's facts in one object. */
import { type Chat, expiryOf, flaggedUsers, type LogHead, slowModeOf } from "../model/Chat.ts"
import type { ChatView, OwnChatView } from "../model/Command.ts"
import type { UserId } from "../model/Ids.ts"

/** A chat and its log's head. Times are milliseconds since 1970. */
export interface ChatInfo extends Chat {
  /** End of the chat's log: its newest sequence, and when it was written. */
  readonly head: LogHead
  /** Seconds that a member who is not an admin must wait between two messages; 0 without slow mode. */
  readonly slowMode: number
  /** Time at which the group is dissolved, in milliseconds since 1970; absent for an unlimited lifetime. */
  readonly expiresAt?: number
  /** Users who may not send, by id; some may have left. */
  readonly silenced: ReadonlyArray<UserId>
  /** Users who cannot become members, by id. */
  readonly blocked: ReadonlyArray<UserId>
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

const withExpiry = (expiresAt: number | undefined): Pick<ChatInfo, "expiresAt"> =>
  expiresAt === undefined ? {} : { expiresAt }

export const chatInfo = ({ chat, head }: ChatView): ChatInfo => ({
  ...chat,
  head,
  ...withExpiry(expiryOf(chat)),
  slowMode: slowModeOf(chat),
  silenced: flaggedUsers(chat.attributes, "silenced"),
  blocked: flaggedUsers(chat.attributes, "blocked")
})

export const ownChatInfo = ({ chat, head, preference }: OwnChatView): OwnChatInfo => ({
  ...chatInfo({ chat, head }),
  star: preference.star,
  hide: preference.hide,
  mute: preference.mute
})
