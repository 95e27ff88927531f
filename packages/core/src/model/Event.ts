/**
 * Events for other users: past facts. Each protocol encodes them in its own format, once for each wire profile rather
 * than once for each recipient.
 */
import type { AppScope } from "./AppScope.ts"
import type { Chat, LogHead } from "./Chat.ts"
import type { ChatId, EntryId, UserId } from "./Ids.ts"
import type { Entry } from "./Log.ts"
import type { Message } from "./Message.ts"
import type { PresentUser } from "./User.ts"

/** A chat's log has one more entry. */
export interface ChatEvent {
  readonly _tag: "ChatEvent"
  /** The entry. */
  readonly entry: Entry
  /** The chat's facts after the entry. */
  readonly chat: Chat
  /** Position of the log after the entry. */
  readonly head: LogHead
  /** The entry's message, as it stands after the entry. */
  readonly message?: Message
  /** For push notifications of a message that was just sent; only on the node that stored it. */
  readonly pushData?: string
  /** Set for the users whom this entry removed; a protocol may encode it differently for them. */
  readonly toRemoved?: true
}

/** A user logged in or out, or changed their name or status. */
export interface UserEvent {
  readonly _tag: "UserEvent"
  /** From `EPHEMERAL_ID_BASE`. */
  readonly id: number
  /** The change. */
  readonly what: "login" | "logout" | "renamed" | "status"
  /** The user after the change, with their status. */
  readonly user: PresentUser
}

/** A member has read a chat further. A message they post moves their position too, without this event. */
export interface ReadEvent {
  readonly _tag: "ReadEvent"
  /** From `EPHEMERAL_ID_BASE`. */
  readonly id: number
  /** The chat. */
  readonly chat: Chat
  /** The member who has read. */
  readonly user: UserId
  /** Sequence of the chat's log up to which they have read, and the id of its entry. */
  readonly read: number
  /** Id of the entry at `read`. */
  readonly readId: EntryId
}

/** A member types a message, or has stopped. The end may be missing: it expires after a few seconds. */
export interface TypingEvent {
  readonly _tag: "TypingEvent"
  /** From `EPHEMERAL_ID_BASE`. */
  readonly id: number
  /** The chat. */
  readonly chat: Chat
  /** The member who types. */
  readonly user: UserId
  /** False at the end. */
  readonly typing: boolean
}

/** A device of a member has received a chat's messages. Clients that report nothing have no such events. */
export interface DeliveredEvent {
  readonly _tag: "DeliveredEvent"
  /** From `EPHEMERAL_ID_BASE`. */
  readonly id: number
  /** The chat. */
  readonly chat: Chat
  /** The member. */
  readonly user: UserId
  /** Sequence of the chat's log up to which the device has everything. */
  readonly delivered: number
}

/** A message to the members who are online, which is not stored. */
export interface TransientMessageEvent {
  readonly _tag: "TransientMessageEvent"
  /** From `EPHEMERAL_ID_BASE`. */
  readonly id: number
  /** The chat's facts when it was sent. */
  readonly chat: Chat
  /** The sender. */
  readonly user: UserId
  /** As for stored messages: `text`, `image`, … */
  readonly contentType: string
  /** In the form of the content type. */
  readonly content: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/**
 * Events that are in no log, for connections that have asked for them (`Subscriber.receiveTransient`) and are online.
 */
export type TransientEvent = ReadEvent | DeliveredEvent | TypingEvent | TransientMessageEvent

/** A committed or ephemeral event. */
export type Event = ChatEvent | UserEvent | TransientEvent

/** Recipients: a chat's online members (including those whom this very entry removed), or everyone online. */
export type Audience =
  /** The members of the chat with this id. */
  { readonly chat: ChatId } | "everyone"

/** An event and its recipients. */
export interface Broadcast {
  /** The event. */
  readonly event: Event
  /** Its recipients. */
  readonly to: Audience
}

/** The user, the application or the protocol for which a command runs. */
export type Caller = UserCaller | AppCaller | ProtocolCaller

/** A user, identified by their session. */
export interface UserCaller {
  /** Id of the user. */
  readonly user: UserId
  /** The calling device, which gets no push of its own messages; null if there is none. */
  readonly device: string | null
  /** The calling connection, which gets the reply and needs no push. */
  readonly connection?: number
}

/**
 * An application that acts for itself instead of a user: it creates, renames and dissolves groups and changes their members.
 * `rules/AppScope` has its rights.
 */
export interface AppCaller {
  /** Scope of the application. */
  readonly app: AppScope
  /** No device. */
  readonly device: null
  /** No connection. */
  readonly connection?: undefined
}

/** An anonymous caller of a protocol without authentication. It reaches only chats created through that protocol. */
export interface ProtocolCaller {
  /** The dialect's name. */
  readonly via: string
  /** No device. */
  readonly device: null
  /** No connection. */
  readonly connection?: undefined
}

/** Returns whether the caller is a user, not an application or a protocol. */
export const isUser = (caller: Caller): caller is UserCaller => "user" in caller
