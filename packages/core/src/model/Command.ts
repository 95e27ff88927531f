/**
 * The engine's commands: imperatives, the same for every protocol. Dialects translate their own requests to these, and
 * everything that a protocol can do is here.
 */
import type { Chat, ChatType, Senders, LogHead, Preference } from "./Chat.ts"
import type { ChatId, EntryId, FileId, UserId } from "./Ids.ts"
import type { Message } from "./Message.ts"
import type { StoredFile } from "./StoredFile.ts"
import type { PresentUser, Status, User } from "./User.ts"

/** A chat, named by its id or its gid. */
export type ChatRef = { readonly id: ChatId } | { readonly gid: string }

/** A chat as its members see it. */
export interface ChatView {
  readonly chat: Chat
  readonly head: LogHead
}

/** A chat as one member sees it. */
export interface OwnChatView extends ChatView {
  readonly preference: Preference
}

/** A message to send. */
export interface Draft {
  readonly gid: string
  readonly chat: ChatRef
  readonly type: "normal" | "broadcast"
  readonly contentType: string
  readonly content: string
  /** Milliseconds since 1970; absent for now. */
  readonly date?: number
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
  readonly name: string
  readonly type: ChatType
  /** The caller is added if absent. */
  readonly members: ReadonlyArray<UserId>
  readonly subject: number
  readonly public: boolean
  /** Values that a protocol stores with the chat. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** The dialect through which the chat is created, if it is recorded. */
  readonly via?: string
}
/**
 * Adds the caller to a public group. A member gets the chat unchanged. A private group is refused with `NotPublic`.
 */
export interface JoinChat {
  readonly _tag: "JoinChat"
  readonly chat: ChatRef
}
/** Removes the caller from a group. Ownership passes to the longest-standing member. */
export interface LeaveChat {
  readonly _tag: "LeaveChat"
  readonly chat: ChatRef
}
/** Renames a group, for members who may send. */
export interface RenameChat {
  readonly _tag: "RenameChat"
  readonly chat: ChatRef
  readonly name: string
}
/** Adds users to a group, for members. Present members are ignored. */
export interface AddMembers {
  readonly _tag: "AddMembers"
  readonly chat: ChatRef
  readonly members: ReadonlyArray<UserId>
}
/** Removes users from a group, for admins. Absent users are ignored. */
export interface RemoveMembers {
  readonly _tag: "RemoveMembers"
  readonly chat: ChatRef
  readonly members: ReadonlyArray<UserId>
}
/**
 * Changes facts of a group in one step, by its admins. Absent fields stay, a null attribute is removed. At least one
 * field is present.
 */
export interface EditChat {
  readonly _tag: "EditChat"
  readonly chat: ChatRef
  readonly name?: string
  readonly public?: boolean
  readonly attributes?: Readonly<Record<string, unknown>>
}
/** Changes name and members of a group in one step, each part by its own rule: renaming, adding, removing, leaving. */
export interface ReviseGroup {
  readonly _tag: "ReviseGroup"
  readonly chat: ChatRef
  readonly name?: string
  readonly add?: ReadonlyArray<UserId>
  /** May contain the caller, who then leaves; the owner may leave too, and ownership passes. */
  readonly remove?: ReadonlyArray<UserId>
  /** Minimum number of members who must remain. */
  readonly atLeast?: number
}
/** Ends a group: it leaves every list and accepts no more messages. */
export interface DissolveChat {
  readonly _tag: "DissolveChat"
  readonly chat: ChatRef
}
/** Makes a group without a subject public or private, for admins. */
export interface PublishChat {
  readonly _tag: "PublishChat"
  readonly chat: ChatRef
  readonly public: boolean
}
/** Adds or removes admins of a system chat, for system administrators. */
export interface SetAdmins {
  readonly _tag: "SetAdmins"
  readonly chat: ChatRef
  readonly users: ReadonlyArray<UserId>
  /** True adds them to the admins, false removes them. */
  readonly grant: boolean
}
/** Sets the users who may send in a group or a system chat, for admins. */
export interface SetSenders {
  readonly _tag: "SetSenders"
  readonly chat: ChatRef
  readonly senders: Senders
}
/**
 * Sets the minimum time between two messages of a member in a group, for admins, who are exempt themselves. Refused
 * with `Invalid` for other values than integers from 0 (off) to 21,600 seconds.
 */
export interface SetSlowMode {
  readonly _tag: "SetSlowMode"
  readonly chat: ChatRef
  readonly seconds: number
}
/**
 * Forbids members of a group to send until it is undone, for admins, who cannot be silenced. It lasts when they leave and
 * join again. Repeating it changes nothing.
 */
export interface SilenceMembers {
  readonly _tag: "SilenceMembers"
  readonly chat: ChatRef
  readonly members: ReadonlyArray<UserId>
  /** False lets them send again; also users who have left. */
  readonly silenced: boolean
}
/** Absent fields stay as they are. */
export interface SetPreference {
  readonly _tag: "SetPreference"
  readonly chat: ChatRef
  readonly star?: boolean
  readonly hide?: boolean
  readonly mute?: boolean
}
/** Stores all messages, or none. At most 100, or with `onePerChat` as many as a request may name users. */
export interface SendMessages {
  readonly _tag: "SendMessages"
  readonly messages: ReadonlyArray<Draft>
  /** One message to each of many chats: two for one chat are refused. */
  readonly onePerChat?: true
}
/** Empties a message for all members. */
export interface RecallMessage {
  readonly _tag: "RecallMessage"
  readonly gid: string
}
/**
 * Replaces the text of a message, for its sender while they may send, and for admins. Members get it as a replaced
 * message. Refused with `Recalled` after a recall, and with `Invalid` for other content than a text.
 */
export interface EditMessage {
  readonly _tag: "EditMessage"
  readonly gid: string
  readonly content: string
}
/** Removes a message from the caller's own history. */
export interface HideMessage {
  readonly _tag: "HideMessage"
  readonly gid: string
}
/**
 * Moves the caller's last read position forward: to a sequence, to an entry by its id, or to the newest entry. Other members
 * who are online, and the caller's other devices, get a `ReadEvent`; in a system chat only the caller's devices do.
 */
export interface MarkRead {
  readonly _tag: "MarkRead"
  readonly chat: ChatRef
  /** A sequence of the chat's log, or the id of one of its messages. */
  readonly upTo?: number | { readonly message: EntryId }
}
/** Counts the caller's unread messages in one chat, or in all of theirs. */
export interface CountUnread {
  readonly _tag: "CountUnread"
  readonly chat?: ChatRef
}
/** Reads how far members have read a chat: all members, or those in `users`; at most `membersPerRequest`. */
export interface ListReadMarks {
  readonly _tag: "ListReadMarks"
  readonly chat: ChatRef
  readonly users?: ReadonlyArray<UserId>
}
/**
 * Notifies online members that the caller types a message, or has stopped, for those who may send. Nothing is stored,
 * and repetitions within a few seconds are not passed on.
 */
export interface NotifyTyping {
  readonly _tag: "NotifyTyping"
  readonly chat: ChatRef
  readonly typing: boolean
}
/**
 * Sends a message to the members who are online, for those who may send. Nothing is stored: it has no sequence, is not
 * unread, and is in no history.
 */
export interface SendTransient {
  readonly _tag: "SendTransient"
  readonly chat: ChatRef
  readonly contentType: string
  readonly content: string
  /** Only checks whether the message may be sent. */
  readonly checkOnly?: true
}
/** Newest first. Without a page, the whole history up to the configured cap. */
export interface ReadHistory {
  readonly _tag: "ReadHistory"
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
  readonly chat?: ChatRef
  /** Maximum number of messages in the reply, from 1 to 100. */
  readonly limit: number
  readonly from?: SearchPosition
}
/** Reads one chat that the caller can see. */
export interface ReadChat {
  readonly _tag: "ReadChat"
  readonly chat: ChatRef
}
/** Lists a chat's members with their presence, for members. */
export interface ListMembers {
  readonly _tag: "ListMembers"
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
  readonly chat: ChatRef
}
/** Reads one file's facts, for members of its chat. A file of a recalled message is refused with `NoSuchFile`. */
export interface ReadFile {
  readonly _tag: "ReadFile"
  readonly file: FileId
}
/** Adds files whose content is already in `Blobs` to a chat, for members. `size` is in bytes. */
export interface AddFiles {
  readonly _tag: "AddFiles"
  readonly chat: ChatRef
  readonly files: ReadonlyArray<{ readonly title: string; readonly size: number; readonly blob: string }>
}
/** Lists all users with their presence. */
export interface ListUsers {
  readonly _tag: "ListUsers"
}
/** Renames the caller. */
export interface RenameUser {
  readonly _tag: "RenameUser"
  readonly name: string
}
/** Changes the caller's status. */
export interface ChangeStatus {
  readonly _tag: "ChangeStatus"
  readonly status: Exclude<Status, "offline">
}
/** Reads the caller's settings, or another account's for a system administrator. */
export interface ReadUserSettings {
  readonly _tag: "ReadUserSettings"
  readonly account?: string
}
/**
 * Saves the caller's settings, or another account's for a system administrator. The text is opaque to the engine; the
 * limit is the setting `userSettings`, in characters.
 */
export interface SaveUserSettings {
  readonly _tag: "SaveUserSettings"
  readonly account?: string
  readonly settings: string
}

/** Reply of each command. */
export interface Replies {
  readonly CreateChat: ChatView & { readonly created: boolean }
  readonly JoinChat: ChatView
  readonly LeaveChat: ChatView
  readonly RenameChat: ChatView
  readonly AddMembers: ChatView
  readonly RemoveMembers: ChatView
  readonly EditChat: ChatView
  readonly ReviseGroup: ChatView
  readonly DissolveChat: ChatView
  readonly PublishChat: ChatView
  readonly SetAdmins: ChatView
  readonly SetSenders: ChatView
  readonly SetSlowMode: ChatView
  readonly SilenceMembers: ChatView
  readonly SetPreference: OwnChatView
  readonly SendMessages: ReadonlyArray<SentMessage>
  readonly RecallMessage: Message
  readonly EditMessage: SentMessage
  readonly HideMessage: Message
  readonly MarkRead: { readonly chat: Chat } & ReadPosition
  /** Only chats with unread messages. */
  readonly CountUnread: ReadonlyArray<UnreadCount>
  /** `passed`: whether members were notified. */
  readonly NotifyTyping: { readonly chat: Chat; readonly passed: boolean }
  /** `at`: its time in milliseconds since 1970. */
  readonly SendTransient: { readonly chat: Chat; readonly id: number; readonly at: number; readonly sent: boolean }
  readonly ListReadMarks: { readonly chat: Chat; readonly marks: ReadonlyArray<ReadMark> }
  readonly ReadHistory: {
    readonly chat: Chat
    readonly messages: ReadonlyArray<Message>
    /** Number of all messages of the chat, including recalled ones. */
    readonly total: number
    /** Whether there are older messages than those of the page; the caller may have hidden all of them. */
    readonly more: boolean
  }
  readonly SearchMessages: {
    readonly found: ReadonlyArray<SentMessage>
    /** The position at which the search continues; absent at its end. */
    readonly next?: SearchPosition
    /** Number of messages that were looked at. */
    readonly scanned: number
  }
  readonly ReadChat: ChatView
  readonly ListMembers: { readonly chat: Chat; readonly members: ReadonlyArray<PresentUser> }
  readonly ListChats: ReadonlyArray<OwnChatView>
  readonly ListPublicChats: ReadonlyArray<ChatView>
  readonly ListFiles: ReadonlyArray<StoredFile>
  readonly ReadFile: StoredFile
  readonly AddFiles: ReadonlyArray<StoredFile>
  readonly ListUsers: ReadonlyArray<PresentUser>
  readonly RenameUser: User
  readonly ChangeStatus: PresentUser
  readonly ReadUserSettings: string | null
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
  readonly user: UserId
}

/** Unread messages of one chat. */
export interface UnreadCount extends ReadPosition {
  readonly chat: Chat
  /** Number of messages of others after the position, without recalled and deleted ones, among the newest 200. */
  readonly count: number
  /** Whether there are older ones, which were not counted. */
  readonly more: boolean
}

/** Position of a search: the messages of this chat up to this number, and chats with a lower id, are not searched yet. */
export interface SearchPosition {
  readonly chat: ChatId
  /** Number among the chat's messages. */
  readonly number: number
}

/** A sent message, and its chat after the message. */
export interface SentMessage {
  readonly chat: Chat
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
  | SetSenders
  | SetSlowMode
  | SilenceMembers
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
