/** Events of an engine as plain objects, by whichever user and protocol they were caused. */
import type { Chat } from "../model/Chat.ts"
import type { Broadcast } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { Changed } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { PresentUser } from "../model/User.ts"
import { type ChatInfo, chatInfo } from "./ChatInfo.ts"

/**
 * Users by id: the chat's members and those whom this very step removed, online or not, without the acting user.
 * Everyone, for a system chat and for changes of a user.
 */
export type Recipients = ReadonlyArray<UserId> | "everyone"

interface InChat {
  /** The chat after the step. */
  readonly chat: ChatInfo
  /** The step's sequence in the chat's log. */
  readonly seq: number
  /** By the engine's clock; milliseconds since 1970. */
  readonly at: number
  /** The acting user; null for a protocol or the system. */
  readonly by: UserId | null
  readonly recipients: Recipients
}

/** A message was sent. */
export interface MessageSent extends InChat {
  /** Discriminates the event. */
  readonly type: "message"
  /** The message as stored. */
  readonly message: Message
}
/** A message has new content. */
export interface MessageReplaced extends InChat {
  /** Discriminates the event. */
  readonly type: "replaced"
  /** The message with its new content. */
  readonly message: Message
}
/** A message was emptied for all members. */
export interface MessageRecalled extends InChat {
  /** Discriminates the event. */
  readonly type: "recalled"
  /** The message, without content. */
  readonly message: Message
}
/** A new chat. */
export interface ChatCreated extends InChat {
  /** Discriminates the event. */
  readonly type: "created"
}
/** A chat's facts changed in one step: `change` contains the changed ones. */
export interface ChatChanged extends InChat {
  /** Discriminates the event. */
  readonly type: "changed"
  /** The changed facts: `name`, `added`, `removed`, …. */
  readonly change: Omit<Changed, "_tag">
}
/** A user logged in or out, or changed their name or status. */
export interface UserUpdated {
  /** Discriminates the event. */
  readonly type: "user"
  /** The kind of the change. */
  readonly what: "login" | "logout" | "renamed" | "status"
  /** The user after the change, with the status. */
  readonly user: PresentUser
  /** All users; visibility does not apply to the host. */
  readonly recipients: "everyone"
}

/** A member has read a chat further. Not stored; a message they post counts as reading too, without this event. */
export interface ChatRead {
  /** Discriminates the event. */
  readonly type: "read"
  /** The chat. */
  readonly chat: Chat
  /** The reading user. */
  readonly by: UserId
  /** Sequence of the chat's log up to which they have read. */
  readonly read: number
  /** The other members; in a system chat the reader only. */
  readonly recipients: Recipients
}

/** A device of a member has received a chat's messages. Not stored, and only for clients that report it. */
export interface ChatDelivered {
  /** Discriminates the event. */
  readonly type: "delivered"
  /** The chat. */
  readonly chat: Chat
  /** The receiving user. */
  readonly by: UserId
  /** Sequence of the chat's log up to which the device has everything. */
  readonly delivered: number
  /** The other members. */
  readonly recipients: Recipients
}

/** A member types a message, or has stopped. Not stored; without an end it expires after a few seconds. */
export interface ChatTyping {
  /** Discriminates the event. */
  readonly type: "typing"
  /** The chat. */
  readonly chat: Chat
  /** The typing user. */
  readonly by: UserId
  /** False once the user has stopped. */
  readonly typing: boolean
  /** The other members. */
  readonly recipients: Recipients
}

/** A message to the members who are online. Not stored. */
export interface TransientMessageSent {
  /** Discriminates the event. */
  readonly type: "transient"
  /** The chat. */
  readonly chat: Chat
  /** The sender. */
  readonly by: UserId
  /** `text`, `image`, … */
  readonly contentType: string
  /** The content, as of a stored message. */
  readonly content: string
  /** By the engine's clock; milliseconds since 1970. */
  readonly at: number
  /** The other members. */
  readonly recipients: Recipients
}

/**
 * A message was sent with data for push notifications, and some members are not online. Emitted once, by the node that
 * stored the message, after its `message`. Not for system chats.
 */
export interface PushRequested {
  /** Discriminates the event. */
  readonly type: "push"
  /** The chat. */
  readonly chat: Chat
  /** The message as stored. */
  readonly message: Message
  /** The data, as the client sent it: JSON in rtm. */
  readonly pushData: string
  /** The members without a connection to any node, except the sender; at least one. Some may have muted the chat. */
  readonly recipients: ReadonlyArray<UserId>
}

/** An event of `ParleyEngine.on` and `events`, discriminated by `type`. */
export type ParleyEvent =
  | MessageSent
  | MessageReplaced
  | MessageRecalled
  | ChatCreated
  | ChatChanged
  | ChatRead
  | ChatDelivered
  | ChatTyping
  | TransientMessageSent
  | PushRequested
  | UserUpdated

/** Type of an event. */
export type EventType = ParleyEvent["type"]

/** The event of one type. */
export type EventOf<T extends EventType> = Extract<ParleyEvent, { readonly type: T }>

/** Returns the event of a message with data for push notifications, unless all members are online. */
export const pushOf = ({ event }: Broadcast, isOnline: (user: UserId) => boolean): PushRequested | undefined => {
  if (event._tag !== "ChatEvent" || event.pushData === undefined || event.message === undefined) return undefined
  const { chat, message, pushData } = event
  const recipients = [...chat.members.keys()].filter((user) => user !== message.sender && !isOnline(user))
  return recipients.length === 0 ? undefined : { type: "push", chat, message, pushData, recipients }
}

export const eventOf = ({ event }: Broadcast): ParleyEvent | undefined => {
  if (event._tag === "UserEvent") {
    return { type: "user", what: event.what, user: event.user, recipients: "everyone" }
  }
  if (event._tag === "ReadEvent") {
    const { chat, user, read } = event
    const recipients = chat.type === "system" ? [user] : [...chat.members.keys()].filter((id) => id !== user)
    return { type: "read", chat, by: user, read, recipients }
  }
  if (event._tag !== "ChatEvent") {
    const { chat, user } = event
    const recipients =
      chat.type === "system" ? ("everyone" as const) : [...chat.members.keys()].filter((id) => id !== user)
    if (event._tag === "DeliveredEvent") {
      return { type: "delivered", chat, by: user, delivered: event.delivered, recipients }
    }
    if (event._tag === "TypingEvent") return { type: "typing", chat, by: user, typing: event.typing, recipients }
    const { at, content, contentType } = event
    return { type: "transient", chat, by: user, contentType, content, at, recipients }
  }
  const { chat, entry, message } = event
  const { body, by } = entry
  const removed = body._tag === "Changed" ? (body.removed ?? []) : []
  const recipients: Recipients =
    chat.type === "system" ? "everyone" : [...new Set([...chat.members.keys(), ...removed])].filter((id) => id !== by)
  const inChat = { chat: chatInfo(event), seq: entry.seq, at: entry.at, by, recipients }
  switch (body._tag) {
    case "Created":
      return { type: "created", ...inChat }
    case "Changed": {
      const { _tag, ...change } = body
      return { type: "changed", change, ...inChat }
    }
    case "Posted":
      return message === undefined ? undefined : { type: "message", message, ...inChat }
    case "Replaced":
      return message === undefined ? undefined : { type: "replaced", message, ...inChat }
    case "Recalled":
      return message === undefined ? undefined : { type: "recalled", message, ...inChat }
  }
}
