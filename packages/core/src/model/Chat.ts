/** Chats: the facts that rules decide on, and what one member set for themself. */
import type { ChatId, UserId } from "./Ids.ts"

/**
 * Known types are `system` (everybody is a member), `one2one` (a pair), `group`; others (`project`, `product`, …) are
 * named by whoever makes them and behave as closed groups.
 */
export type ChatType = string

/** Who may speak beside the admins: everybody, nobody, or those listed; an empty list lets everybody speak. */
export type Committers = "all" | "admins" | ReadonlyArray<UserId>

export interface Member {
  readonly user: UserId
  /** Milliseconds since 1970. */
  readonly joinedAt: number
  /** The sequence of the log entry by which they joined: they are owed what comes after it. */
  readonly joinSeq: number
}

export interface Chat {
  readonly id: ChatId
  /** Unique, chosen by whoever made the chat. */
  readonly gid: string
  readonly name: string
  readonly type: ChatType
  readonly public: boolean
  /** The product, project, … that the chat is about; 0 for none. */
  readonly subject: number
  /** Never changes; null for a chat that nobody in particular made. */
  readonly createdBy: UserId | null
  /** Ownership can pass. A pair and a system chat have none. The owner counts as an admin whether listed or not. */
  readonly owner: UserId | null
  /** Beside the owner. */
  readonly admins: ReadonlyArray<UserId>
  readonly committers: Committers
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly editedBy: UserId | null
  /** Milliseconds since 1970, 0 for never. */
  readonly editedAt: number
  /** 1 when made, and one more with each step that changed something. */
  readonly version: number
  /** What protocols keep with a chat, by name. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** A dissolved chat is in nobody's list, and nobody can speak in it. */
  readonly dissolved: boolean
  /** In the order of joining. Empty for a system chat, whose members are all users. */
  readonly members: ReadonlyMap<UserId, Member>
}

/** How far a chat's log has come. */
export interface LogHead {
  /** The newest entry's sequence, from 1. */
  readonly seq: number
  /** How many messages were ever posted, those recalled too. */
  readonly posted: number
  /** When the newest message was posted, by the server's clock; milliseconds since 1970, 0 for never. */
  readonly activeAt: number
}

export interface StoredChat {
  readonly chat: Chat
  readonly head: LogHead
}

/** What a new chat is made of; the store gives `id`, and `joinSeq` 1 to every member. */
export interface NewChat extends Omit<Chat, "id" | "version" | "members" | "editedBy" | "editedAt" | "dissolved"> {
  readonly members: ReadonlyArray<UserId>
}

/** A chat as it is when just made: version 1, everybody in it from the first entry on. */
export const createdChat = (chat: NewChat, id: ChatId): Chat => ({
  ...chat,
  id,
  version: 1,
  editedBy: null,
  editedAt: 0,
  dissolved: false,
  members: new Map(chat.members.map((user): [UserId, Member] => [user, { user, joinedAt: chat.createdAt, joinSeq: 1 }]))
})

/** What one member set for themself. */
export interface PreferenceFlags {
  readonly star: boolean
  readonly hide: boolean
  readonly mute: boolean
}

export interface Preference extends PreferenceFlags {
  readonly chat: ChatId
  readonly user: UserId
}

/** The attribute that names the protocol through which a chat was made, where that protocol wants it known. */
export const VIA = "parley.via"

export const isMember = (chat: Chat, user: UserId): boolean => chat.type === "system" || chat.members.has(user)
