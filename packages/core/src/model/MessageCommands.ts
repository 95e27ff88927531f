/** Commands on messages, read marks and histories. */
import type { Chat } from "./Chat.ts"
import type { ChatId, EntryId, UserId } from "./Ids.ts"
import type { Message } from "./Message.ts"
import type { ChatRef } from "./ChatCommands.ts"

/** A message to send. */
export interface Draft {
  /**
   * Unique among all messages, from 1 to 255 characters. The same gid again with the same content returns the stored
   * message.
   */
  readonly gid: string
  /** The chat. */
  readonly chat: ChatRef
  /** `broadcast` is for admins, and is shown without a sender. */
  readonly type: "normal" | "broadcast"
  /** `text`, `image`, `emoticon`, `file`, …; at most 64 characters. */
  readonly contentType: string
  /** At most `limits.content` bytes; not empty, except for a placeholder of an image or a file. */
  readonly content: string
  /** Milliseconds since 1970; absent for now. */
  readonly date?: number
  /**
   * Data for a push notification, for the event `push` of the embedding API; limited like the content. It is not stored,
   * and ignored if the message is stored already.
   */
  readonly pushData?: string
}

/** Stores all messages, or none. At most 100, or with `onePerChat` as many as a request may name users. */
export interface SendMessages {
  readonly _tag: "SendMessages"
  /** At least one; two for the same chat are stored in this order. */
  readonly messages: ReadonlyArray<Draft>
  /** One message to each of many chats: two for one chat are refused. */
  readonly onePerChat?: true
}
/** Empties a message for all members. */
export interface RecallMessage {
  readonly _tag: "RecallMessage"
  /** The message's gid. */
  readonly gid: string
}
/**
 * Replaces the content of a message, for its sender while they may send, and for admins. Members get it as a replaced
 * message. Refused with `Recalled` after a recall, and with `Invalid` for other content than a text if no type is named.
 */
export interface EditMessage {
  readonly _tag: "EditMessage"
  /** The message's gid. */
  readonly gid: string
  /** New content, not empty, at most `limits.content` bytes. */
  readonly content: string
  /** Its content type, at most 64 characters; by default, a text replaces a text. */
  readonly contentType?: string
}
/** Removes a message from the caller's own history. */
export interface HideMessage {
  readonly _tag: "HideMessage"
  /** The message's gid. */
  readonly gid: string
}
/**
 * Moves the caller's last read position forward: to a sequence, to an entry by its id, or to the newest entry. Other members
 * who are online, and the caller's other devices, get a `ReadEvent`; in a system chat only the caller's devices do.
 */
export interface MarkRead {
  readonly _tag: "MarkRead"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** A sequence of the chat's log, or the id of one of its messages. */
  readonly upTo?: number | { readonly message: EntryId }
}
/** Counts the caller's unread messages in one chat, or in all of theirs. */
export interface CountUnread {
  readonly _tag: "CountUnread"
  /** The chat; all chats of the caller if absent. */
  readonly chat?: ChatRef
}
/** Reads how far members have read a chat: all members, or those in `users`; at most `membersPerRequest`. */
export interface ListReadMarks {
  readonly _tag: "ListReadMarks"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Ids of members; all if absent. */
  readonly users?: ReadonlyArray<UserId>
}
/**
 * Notifies online members that the caller types a message, or has stopped, for those who may send. Nothing is stored,
 * and repetitions within a few seconds are not passed on.
 */
export interface NotifyTyping {
  readonly _tag: "NotifyTyping"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** False if the caller has stopped. */
  readonly typing: boolean
}
/**
 * Sends a message to the members who are online, for those who may send. Nothing is stored: it has no sequence, is not
 * unread, and is in no history.
 */
export interface SendTransient {
  readonly _tag: "SendTransient"
  /** The chat whose online members get it. */
  readonly chat: ChatRef
  /** As for stored messages: `text`, `image`, … */
  readonly contentType: string
  /** In the form of the content type; limited like that of a stored message. */
  readonly content: string
  /** Only checks whether the message may be sent. */
  readonly checkOnly?: true
}
/**
 * Notifies online members that a device of the caller has received the chat's messages up to a sequence. Nothing is
 * stored, and in a system chat there is no event.
 */
export interface ConfirmDelivery {
  readonly _tag: "ConfirmDelivery"
  /** The chat. */
  readonly chat: ChatRef
  /** The sequence. */
  readonly upTo: number
}
/** Newest first. Without a page, the whole history up to the configured cap. */
export interface ReadHistory {
  readonly _tag: "ReadHistory"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /**
   * A page by its number from 1; a slice, at most `limit` messages after the `start` newest ones; or at most `limit`
   * messages before the message with this id, which new messages do not shift.
   */
  readonly page?:
    | { readonly size: number; readonly number: number }
    | { readonly start: number; readonly limit: number }
    | { readonly before: EntryId; readonly limit: number }
}
/**
 * Searches one chat, or all chats of the caller: from the newest chat to the oldest, and in each from the newest message
 * to the oldest. Recalled messages and those that the caller deleted for themselves are not found. A request looks at a
 * bounded number of messages and may find none of them; `next` of the reply continues it.
 */
export interface SearchMessages {
  readonly _tag: "SearchMessages"
  /** Part of a text, from 1 to 255 characters; case and forms of characters (full width, composed) do not count. */
  readonly text: string
  /** The chat; all chats of the caller if absent. */
  readonly chat?: ChatRef
  /** Maximum number of messages in the reply, from 1 to 100. */
  readonly limit: number
  /** `next` of the reply that is continued; the newest message if absent. */
  readonly from?: SearchPosition
}
/** Position up to which a member has read a chat: their mark, or their own newest message. */
export interface ReadPosition {
  /** Sequence of the chat's log; 0 for nothing. */
  readonly read: number
  /** Id of the entry of that sequence: all messages with ids up to it are read. 0 for none. */
  readonly readId: number
}

/** Position of one member. */
export interface ReadMark extends ReadPosition {
  /** The member. */
  readonly user: UserId
}

/** Unread messages of one chat. */
export interface UnreadCount extends ReadPosition {
  /** The chat. */
  readonly chat: Chat
  /** Number of messages of others after the position, without recalled and deleted ones, among the newest 200. */
  readonly count: number
  /** Whether there are older ones, which were not counted. */
  readonly more: boolean
}

/** Position of a search: the messages of this chat up to this number, and chats with a lower id, are not searched yet. */
export interface SearchPosition {
  /** The chat at which the search continues. */
  readonly chat: ChatId
  /** Number among the chat's messages. */
  readonly number: number
}

/** A sent message, and its chat after the message. */
export interface SentMessage {
  /** Facts of the chat after the message. */
  readonly chat: Chat
  /** The stored message. */
  readonly message: Message
}
