/** Chats: the facts that rules decide on, and each member's own preferences. */
import { type ChatId, UserId } from "./Ids.ts"

/**
 * Known types are `system` (everybody is a member), `one2one` (a direct chat of two users) and `group`. Others
 * (`project`, `product`, …) are named by their creators and behave as closed groups.
 */
export type ChatType = string

/** Members who may send beside the admins: all, none (`admins`), or the listed ones; an empty list means all. */
export type Senders = "all" | "admins" | ReadonlyArray<UserId>

/** Membership of one user in a chat. */
export interface Member {
  /** Id of the user. */
  readonly user: UserId
  /** Milliseconds since 1970. */
  readonly joinedAt: number
  /** Sequence of the log entry by which they joined; entries after it are delivered to them. */
  readonly joinSeq: number
}

/** The facts of a chat, at one version. */
export interface Chat {
  /** Id of the chat, from 1. */
  readonly id: ChatId
  /** Unique; chosen by the creator. */
  readonly gid: string
  /** Name of the chat; "" for a direct chat. */
  readonly name: string
  /** Kind of the chat. */
  readonly type: ChatType
  /** Whether all users may find and join it. */
  readonly public: boolean
  /** Id of the product, project, … that the chat is about; 0 if absent. */
  readonly subject: number
  /** Never changes; null for a chat that was created without a user. */
  readonly createdBy: UserId | null
  /**
   * Ownership can pass. Null for a direct chat and a system chat. The owner counts as an admin whether listed or not.
   */
  readonly owner: UserId | null
  /** Beside the owner. */
  readonly admins: ReadonlyArray<UserId>
  /** Members who may send beside the admins. */
  readonly senders: Senders
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** The user who last changed a fact; null if none has, or the system did. */
  readonly editedBy: UserId | null
  /** Milliseconds since 1970, 0 for never. */
  readonly editedAt: number
  /** 1 at creation; incremented by each step that changes a fact. */
  readonly version: number
  /** Values that protocols store with a chat, by name. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** A dissolved chat is in no list, and accepts no messages. */
  readonly dissolved: boolean
  /** In the order of joining. Empty for a system chat, whose members are all users. */
  readonly members: ReadonlyMap<UserId, Member>
}

/** Position of a chat's log. */
export interface LogHead {
  /** The newest entry's sequence, from 1. */
  readonly seq: number
  /** Number of messages ever posted, including recalled ones. */
  readonly posted: number
  /** When the newest message was posted, by the server's clock; milliseconds since 1970, 0 for never. */
  readonly activeAt: number
}

/** A chat with the head of its log. */
export interface StoredChat {
  /** Facts of the chat. */
  readonly chat: Chat
  /** Position of its log. */
  readonly head: LogHead
}

/** Facts of a new chat. The store assigns `id`, and `joinSeq` 1 to every member. */
export interface NewChat extends Omit<Chat, "id" | "version" | "members" | "editedBy" | "editedAt" | "dissolved"> {
  /** Ids of the first members, in the order of joining. */
  readonly members: ReadonlyArray<UserId>
}

/** Returns a chat as first created: version 1, with all members present from the first entry on. */
export const createdChat = (chat: NewChat, id: ChatId): Chat => ({
  ...chat,
  id,
  version: 1,
  editedBy: null,
  editedAt: 0,
  dissolved: false,
  members: new Map(chat.members.map((user): [UserId, Member] => [user, { user, joinedAt: chat.createdAt, joinSeq: 1 }]))
})

/** One member's own flags. */
export interface PreferenceFlags {
  /** Whether the member has starred the chat. */
  readonly star: boolean
  /** Whether the member has hidden the chat in their list. */
  readonly hide: boolean
  /** Whether the member has muted the chat. */
  readonly mute: boolean
}

export interface Preference extends PreferenceFlags {
  /** The chat. */
  readonly chat: ChatId
  /** The member. */
  readonly user: UserId
}

/** Attribute with the name of the protocol through which a chat was created, for protocols that record it. */
export const VIA = "parley.via"

/** A part of an attribute: the value behind the keys of nested objects. */
export interface AttributePart {
  /** The attribute's name, and at least one key, of the object in it and of objects in that. */
  readonly path: readonly [name: string, ...keys: ReadonlyArray<string>]
  /** The new value of the part: any JSON. */
  readonly value: unknown
}

/** Returns attributes with the parts replaced, one after the other; a value of another kind is replaced by an object. */
export const withParts = (attributes: Chat["attributes"], parts: ReadonlyArray<AttributePart>): Chat["attributes"] => {
  const changed: Record<string, unknown> = { ...attributes }
  for (const { path, value } of parts) {
    const [name, ...keys] = path
    changed[name] = replacePart(Object.hasOwn(changed, name) ? changed[name] : undefined, keys, value)
  }
  return changed
}

const replacePart = (value: unknown, [key, ...rest]: ReadonlyArray<string>, part: unknown): unknown => {
  if (key === undefined) return part
  const object: Readonly<Record<string, unknown>> =
    typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {}
  return { ...object, [key]: replacePart(Object.hasOwn(object, key) ? object[key] : undefined, rest, part) }
}

/** Attribute with the id of the organisation for which an application created the chat. */
export const ORGANISATION = "parley.organisation"

/** Attribute with the interval of slow mode in seconds; absent without slow mode. Set by the command `SetSlowMode`. */
export const SLOW_MODE = "parley.slowMode"

/** Attribute with the time at which a group is dissolved, in milliseconds since 1970; set when it is created. */
export const EXPIRES_AT = "parley.expiresAt"

/** Maximum lifetime of a group with a limited one, in seconds: one day. */
export const MAX_LIFETIME = 86_400

/** Returns the time at which a chat is dissolved, in milliseconds since 1970; undefined if it has no limited lifetime. */
export const expiryOf = ({ attributes }: Pick<Chat, "attributes">): number | undefined => {
  const time = attributes[EXPIRES_AT]
  return typeof time === "number" ? time : undefined
}

/** Beginning of the names of attributes that only the engine sets. */
const ENGINE_PREFIX = "parley."

/** Returns whether only the engine sets the attribute. */
export const isEngineAttribute = (name: string): boolean => name.startsWith(ENGINE_PREFIX)

/**
 * A fact of single users in a chat, members or not. Each is an attribute, `parley.silenced.12`, so that an entry of the
 * log names the users that it concerns. Silenced members may not send; set by the command `SilenceMembers`. Blocked users
 * cannot become members; set by the command `BlockUsers`.
 */
export type UserFlag = "blocked" | "silenced"

/** Returns the name of the attribute. */
export const flagName = (flag: UserFlag, user: UserId): string => `${ENGINE_PREFIX}${flag}.${user}`

/** Returns whether the user has the flag in a group; other chats have none. */
export const hasFlag = (
  { type, attributes }: Pick<Chat, "type" | "attributes">,
  flag: UserFlag,
  user: UserId
): boolean => type === "group" && attributes[flagName(flag, user)] === true

/** Returns the users by id for whom the attributes set the flag, or remove it with `value` null. */
export const flaggedUsers = (
  attributes: Chat["attributes"] = {},
  flag: UserFlag,
  value: true | null = true
): ReadonlyArray<UserId> => {
  const prefix = `${ENGINE_PREFIX}${flag}.`
  const users: Array<UserId> = []
  for (const [name, one] of Object.entries(attributes)) {
    if (one === value && name.startsWith(prefix)) users.push(UserId(Number(name.slice(prefix.length))))
  }
  return users.sort((a, b) => a - b)
}

/**
 * Returns the seconds that a member who is not an admin must wait between two messages; 0 without slow mode, and in
 * chats that are not groups.
 */
export const slowModeOf = ({ type, attributes }: Pick<Chat, "type" | "attributes">): number => {
  const seconds = attributes[SLOW_MODE]
  return type === "group" && typeof seconds === "number" && seconds > 0 ? seconds : 0
}

/** Returns whether the user is a member; true for every user in a system chat. */
export const isMember = (chat: Chat, user: UserId): boolean => chat.type === "system" || chat.members.has(user)
