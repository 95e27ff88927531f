/** Commands that change chats, and chats as replies have them. */
import type { AttributePart, Chat, ChatType, Senders, LogHead, Preference } from "./Chat.ts"
import type { ChatId, UserId } from "./Ids.ts"

/** A chat, named by its id or its gid. */
export type ChatRef =
  /** By its integer id. */
  | { readonly id: ChatId }
  /** By its gid. */
  | { readonly gid: string }

/** A chat as its members see it. */
export interface ChatView {
  /** Facts of the chat. */
  readonly chat: Chat
  /** Position of its log. */
  readonly head: LogHead
}

/** A chat as one member sees it. */
export interface OwnChatView extends ChatView {
  /** The caller's own flags. */
  readonly preference: Preference
}

/**
 * Creates a chat. An existing one with this gid is returned with `created: false`, or refused with `GidTaken` if the
 * caller cannot see it. A direct chat has exactly two members. Refused with `Invalid` for a wrong gid, name or number
 * of members.
 */
export interface CreateChat {
  readonly _tag: "CreateChat"
  /** Ignored for a direct chat, whose gid follows from its two members. */
  readonly gid: string
  /** Name of the chat, at most `limits.name` characters; may be empty. */
  readonly name: string
  /** Kind of the chat. */
  readonly type: ChatType
  /** The caller is added if absent. */
  readonly members: ReadonlyArray<UserId>
  /** Id of the product, project, … that it is about; 0 for none. */
  readonly subject: number
  /** Whether all users may find and join it; false for a direct chat. */
  readonly public: boolean
  /** Values that a protocol stores with the chat. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** The dialect through which the chat is created, if it is recorded. */
  readonly via?: string
  /**
   * Seconds after which the chat is dissolved, from 1 to 86,400, for a group; absent for an unlimited lifetime. Ignored if the
   * chat exists. Refused with `Invalid` for others.
   */
  readonly lifetime?: number
}
/**
 * Adds the caller to a public group. A member gets the chat unchanged. A private group is refused with `NotPublic`.
 */
export interface JoinChat {
  readonly _tag: "JoinChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
}
/** Removes the caller from a group. Ownership passes to the longest-standing member. */
export interface LeaveChat {
  readonly _tag: "LeaveChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
}
/** Renames a group, for members who may send. */
export interface RenameChat {
  readonly _tag: "RenameChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** New name, from 1 to `limits.name` characters. */
  readonly name: string
}
/** Adds users to a group, for members. Present members are ignored. */
export interface AddMembers {
  readonly _tag: "AddMembers"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Ids of the users to add, at most `limits.membersPerRequest`. */
  readonly members: ReadonlyArray<UserId>
}
/** Removes users from a group, for admins. Absent users are ignored. */
export interface RemoveMembers {
  readonly _tag: "RemoveMembers"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Ids of the users to remove, at most `limits.membersPerRequest`. */
  readonly members: ReadonlyArray<UserId>
}
/**
 * Changes facts of a group in one step, by its admins. Absent fields stay, a null attribute is removed. At least one
 * field is present.
 */
export interface EditChat {
  readonly _tag: "EditChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** New name, from 1 to `limits.name` characters. */
  readonly name?: string
  /** Whether all users may find and join it. */
  readonly public?: boolean
  /** Values by name, merged into the present ones. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** Parts of attributes, replaced in the values that the chat has when it is changed, after `attributes`. */
  readonly parts?: ReadonlyArray<AttributePart>
}
/** Changes name and members of a group in one step, each part by its own rule: renaming, adding, removing, leaving. */
export interface ReviseGroup {
  readonly _tag: "ReviseGroup"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** New name, from 1 to `limits.name` characters. */
  readonly name?: string
  /** Ids of users to add; none by default. */
  readonly add?: ReadonlyArray<UserId>
  /** May contain the caller, who then leaves; the owner may leave too, and ownership passes. */
  readonly remove?: ReadonlyArray<UserId>
  /** Minimum number of members who must remain. */
  readonly atLeast?: number
}
/** Ends a group: it leaves every list and accepts no more messages. */
export interface DissolveChat {
  readonly _tag: "DissolveChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
}
/** Makes a group without a subject public or private, for admins. */
export interface PublishChat {
  readonly _tag: "PublishChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Whether all users may find and join it. */
  readonly public: boolean
}
/** Adds or removes admins of a system chat, for system administrators. */
export interface SetAdmins {
  readonly _tag: "SetAdmins"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Ids of the users; at least one. */
  readonly users: ReadonlyArray<UserId>
  /** True adds them to the admins, false removes them. */
  readonly grant: boolean
}
/**
 * Makes members admins of a group, or takes that from them, for its owner, who stays an admin. Members who leave are no longer
 * admins. Repeating it changes nothing.
 */
export interface PromoteMembers {
  readonly _tag: "PromoteMembers"
  /** A group. */
  readonly chat: ChatRef
  /** Ids of members; at least one. */
  readonly members: ReadonlyArray<UserId>
  /** False takes it from them. */
  readonly promoted: boolean
}
/** Sets the users who may send in a group or a system chat, for admins. */
export interface SetSenders {
  readonly _tag: "SetSenders"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Members who may send; users named in a list are members. */
  readonly senders: Senders
}
/**
 * Sets the minimum time between two messages of a member in a group, for admins, who are exempt themselves. Refused
 * with `Invalid` for other values than integers from 0 (off) to 21,600 seconds.
 */
export interface SetSlowMode {
  readonly _tag: "SetSlowMode"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Interval in seconds, from 1 to 21,600; 0 turns slow mode off. */
  readonly seconds: number
}
/**
 * Forbids members of a group to send until it is undone, for admins, who cannot be silenced. It lasts when they leave and
 * join again. Repeating it changes nothing.
 */
export interface SilenceMembers {
  readonly _tag: "SilenceMembers"
  /** A group. */
  readonly chat: ChatRef
  /** The members to silence, or to let send again. */
  readonly members: ReadonlyArray<UserId>
  /** False lets them send again; also users who have left. */
  readonly silenced: boolean
}
/**
 * Removes users from a group, and keeps them from joining and from being added until it is undone, for admins. Users who
 * are not members can be blocked too; the owner cannot. Repeating it changes nothing.
 */
export interface BlockUsers {
  readonly _tag: "BlockUsers"
  /** A group. */
  readonly chat: ChatRef
  /** The users to block, or to let join again. */
  readonly users: ReadonlyArray<UserId>
  /** False lets them join again; they do not become members by it. */
  readonly blocked: boolean
}
/** Absent fields stay as they are. */
export interface SetPreference {
  readonly _tag: "SetPreference"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Whether the chat is starred for the caller. */
  readonly star?: boolean
  /** Whether the chat is hidden in the caller's list. */
  readonly hide?: boolean
  /** Whether the chat is muted for the caller. */
  readonly mute?: boolean
}
