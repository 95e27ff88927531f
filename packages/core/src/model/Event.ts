/**
 * What others are told: past facts. Each protocol says them in its own words, once for each wire profile and not once
 * for each who hears it.
 */
import type { Chat, LogHead } from "./Chat.ts"
import type { ChatId, UserId } from "./Ids.ts"
import type { Entry } from "./Log.ts"
import type { Message } from "./Message.ts"
import type { PresentUser } from "./User.ts"

/** A chat's log has one more entry. */
export interface ChatEvent {
  readonly _tag: "ChatEvent"
  readonly entry: Entry
  /** The facts after the entry. */
  readonly chat: Chat
  readonly head: LogHead
  /** The message that the entry is about, as it stands after it. */
  readonly message?: Message
}

/** A user came, went, or shows something else of themself. */
export interface UserEvent {
  readonly _tag: "UserEvent"
  /** From `UNKEPT_IDS_FROM`. */
  readonly id: number
  readonly what: "login" | "logout" | "renamed" | "status"
  readonly user: PresentUser
}

export type Event = ChatEvent | UserEvent

/** Who hears it: a chat's online members (with those whom this very entry removed), or everybody who is online. */
export type Audience = { readonly chat: ChatId } | "everyone"

export interface Broadcast {
  readonly event: Event
  readonly to: Audience
}

/** Who a command is carried out for. */
export type Caller = UserCaller | ProtocolCaller

/** A user, known by their session. */
export interface UserCaller {
  readonly user: UserId
  /** The device that asks; what it sends itself is not delivered to it again. Null where there is none. */
  readonly device: string | null
  /** The connection that asks: it has the answer, and needs no push. */
  readonly connection?: number
}

/**
 * Nobody in particular, through a protocol that asks nobody who they are. It reaches only what was made through that
 * protocol.
 */
export interface ProtocolCaller {
  /** The dialect's name. */
  readonly via: string
  readonly device: null
  readonly connection?: undefined
}

export const isUser = (caller: Caller): caller is UserCaller => "user" in caller
