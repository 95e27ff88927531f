/**
 * The engine's commands: imperatives, the same for every protocol. Dialects translate their own requests to these, and
 * everything that a protocol can do is here.
 */
import type { AttributePart, Chat, ChatType, Senders, LogHead, Preference } from "./Chat.ts"
import type { ChatId, EntryId, FileId, UserId } from "./Ids.ts"
import type { Message } from "./Message.ts"
import type { StoredFile } from "./StoredFile.ts"
import type { PresentUser, Status, User } from "./User.ts"

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
/** Reads one chat that the caller can see. */
export interface ReadChat {
  readonly _tag: "ReadChat"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
}
/** Lists a chat's members with their presence, for members. */
export interface ListMembers {
  readonly _tag: "ListMembers"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
}
/** Lists the caller's chats, including system chats. */
export interface ListChats {
  readonly _tag: "ListChats"
}
/** Lists the public chats. */
export interface ListPublicChats {
  readonly _tag: "ListPublicChats"
}
/** Lists a chat's files, for members, without files of recalled messages. */
export interface ListFiles {
  readonly _tag: "ListFiles"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
}
/** Reads one file's facts, for members of its chat. A file of a recalled message is refused with `NoSuchFile`. */
export interface ReadFile {
  readonly _tag: "ReadFile"
  /** Id of the file. */
  readonly file: FileId
}
/** Adds files whose content is already in `Blobs` to a chat, for members. `size` is in bytes. */
export interface AddFiles {
  readonly _tag: "AddFiles"
  /** The chat, by its id or its gid. */
  readonly chat: ChatRef
  /** Name, size in bytes, and key in `Blobs` of each file. */
  readonly files: ReadonlyArray<{ readonly title: string; readonly size: number; readonly blob: string }>
}
/** Lists all users with their presence. */
export interface ListUsers {
  readonly _tag: "ListUsers"
}
/** Renames the caller. */
export interface RenameUser {
  readonly _tag: "RenameUser"
  /** New display name, from 1 to `limits.name` characters. */
  readonly name: string
}
/** Changes the caller's status. */
export interface ChangeStatus {
  readonly _tag: "ChangeStatus"
  /** New status. */
  readonly status: Exclude<Status, "offline">
}
/** Reads the caller's settings, or another account's for a system administrator. */
export interface ReadUserSettings {
  readonly _tag: "ReadUserSettings"
  /** Account of another user; the caller if absent. */
  readonly account?: string
}
/**
 * Saves the caller's settings, or another account's for a system administrator. The text is opaque to the engine; the
 * limit is the setting `userSettings`, in characters.
 */
export interface SaveUserSettings {
  readonly _tag: "SaveUserSettings"
  /** Account of another user; the caller if absent. */
  readonly account?: string
  /** Text in place of the stored one. */
  readonly settings: string
}

/** Reply of each command. */
export interface Replies {
  /** The chat; `created` is false for an existing one. */
  readonly CreateChat: ChatView & { readonly created: boolean }
  /** The chat with the caller as a member. */
  readonly JoinChat: ChatView
  /** The chat without the caller. */
  readonly LeaveChat: ChatView
  /** The renamed chat. */
  readonly RenameChat: ChatView
  /** The chat with the added members. */
  readonly AddMembers: ChatView
  /** The chat without the removed members. */
  readonly RemoveMembers: ChatView
  /** The changed chat. */
  readonly EditChat: ChatView
  /** The changed group. */
  readonly ReviseGroup: ChatView
  /** The dissolved chat. */
  readonly DissolveChat: ChatView
  /** The changed chat. */
  readonly PublishChat: ChatView
  /** The changed chat. */
  readonly SetAdmins: ChatView
  /** The chat after the change. */
  readonly PromoteMembers: ChatView
  /** The changed chat. */
  readonly SetSenders: ChatView
  /** The changed chat. */
  readonly SetSlowMode: ChatView
  /** The chat after the change. */
  readonly SilenceMembers: ChatView
  /** The chat after the change. */
  readonly BlockUsers: ChatView
  /** The chat with the caller's flags. */
  readonly SetPreference: OwnChatView
  /** The stored messages, in the order of the request. */
  readonly SendMessages: ReadonlyArray<SentMessage>
  /** The empty message. */
  readonly RecallMessage: Message
  /** The message with its new text. */
  readonly EditMessage: SentMessage
  /** The message, which the caller's history no longer has. */
  readonly HideMessage: Message
  /** The chat, and the caller's present position in it. */
  readonly MarkRead: { readonly chat: Chat } & ReadPosition
  /** Only chats with unread messages. */
  readonly CountUnread: ReadonlyArray<UnreadCount>
  /** `passed`: whether members were notified. */
  readonly NotifyTyping: { readonly chat: Chat; readonly passed: boolean }
  /** `at`: its time in milliseconds since 1970. */
  readonly SendTransient: { readonly chat: Chat; readonly id: number; readonly at: number; readonly sent: boolean }
  /** `delivered`: the sequence, at most the newest one of the chat. */
  readonly ConfirmDelivery: { readonly chat: Chat; readonly delivered: number }
  /** The chat, and the position of each member. */
  readonly ListReadMarks: { readonly chat: Chat; readonly marks: ReadonlyArray<ReadMark> }
  /** The chat, and its messages, newest first. */
  readonly ReadHistory: {
    readonly chat: Chat
    readonly messages: ReadonlyArray<Message>
    /** Number of all messages of the chat, including recalled ones. */
    readonly total: number
    /** Whether there are older messages than those of the page; the caller may have hidden all of them. */
    readonly more: boolean
  }
  /** The found messages with their chats, newest first. */
  readonly SearchMessages: {
    readonly found: ReadonlyArray<SentMessage>
    /** The position at which the search continues; absent at its end. */
    readonly next?: SearchPosition
    /** Number of messages that were looked at. */
    readonly scanned: number
  }
  /** The chat. */
  readonly ReadChat: ChatView
  /** The chat, and its members in the order of joining. */
  readonly ListMembers: { readonly chat: Chat; readonly members: ReadonlyArray<PresentUser> }
  /** The caller's chats, by id. */
  readonly ListChats: ReadonlyArray<OwnChatView>
  /** The public chats that the caller may see, by id. */
  readonly ListPublicChats: ReadonlyArray<ChatView>
  /** The chat's files, by id. */
  readonly ListFiles: ReadonlyArray<StoredFile>
  /** The file without its content. */
  readonly ReadFile: StoredFile
  /** The added files, in the order of the request. */
  readonly AddFiles: ReadonlyArray<StoredFile>
  /** The users whom the caller may see, by id. */
  readonly ListUsers: ReadonlyArray<PresentUser>
  /** The renamed user. */
  readonly RenameUser: User
  /** The caller with the new status. */
  readonly ChangeStatus: PresentUser
  /** The stored text, or null. */
  readonly ReadUserSettings: string | null
  /** The stored text. */
  readonly SaveUserSettings: string
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

/** A command of a caller, discriminated by `_tag`; `Replies` has the reply of each. */
export type Command =
  | CreateChat
  | JoinChat
  | LeaveChat
  | RenameChat
  | AddMembers
  | RemoveMembers
  | EditChat
  | ReviseGroup
  | DissolveChat
  | PublishChat
  | SetAdmins
  | PromoteMembers
  | SetSenders
  | SetSlowMode
  | SilenceMembers
  | BlockUsers
  | SetPreference
  | SendMessages
  | RecallMessage
  | EditMessage
  | HideMessage
  | MarkRead
  | CountUnread
  | ListReadMarks
  | NotifyTyping
  | SendTransient
  | ConfirmDelivery
  | ReadHistory
  | SearchMessages
  | ReadChat
  | ListMembers
  | ListChats
  | ListPublicChats
  | ListFiles
  | ReadFile
  | AddFiles
  | ListUsers
  | RenameUser
  | ChangeStatus
  | ReadUserSettings
  | SaveUserSettings

/** Reply of one command. */
export type ReplyOf<C extends Command> = Replies[C["_tag"]]
