/**
 * The engine's commands: imperatives, the same for every protocol. Dialects translate their own requests to these, and
 * everything that a protocol can do is here.
 */
import type { Chat } from "./Chat.ts"
import type { Message } from "./Message.ts"
import type { StoredFile } from "./StoredFile.ts"
import type { PresentUser, User } from "./User.ts"
import type {
  ChatView,
  OwnChatView,
  CreateChat,
  JoinChat,
  LeaveChat,
  RenameChat,
  AddMembers,
  RemoveMembers,
  EditChat,
  ReviseGroup,
  DissolveChat,
  PublishChat,
  SetAdmins,
  PromoteMembers,
  SetSenders,
  SetSlowMode,
  SilenceMembers,
  BlockUsers,
  SetPreference
} from "./ChatCommands.ts"
import type {
  SendMessages,
  RecallMessage,
  EditMessage,
  HideMessage,
  MarkRead,
  CountUnread,
  ListReadMarks,
  NotifyTyping,
  SendTransient,
  ConfirmDelivery,
  ReadHistory,
  SearchMessages,
  ReadPosition,
  ReadMark,
  UnreadCount,
  SearchPosition,
  SentMessage
} from "./MessageCommands.ts"
import type {
  ReadChat,
  ListMembers,
  ListChats,
  ListPublicChats,
  ListFiles,
  ReadFile,
  AddFiles,
  ListUsers,
  RenameUser,
  ChangeStatus,
  ReadUserSettings,
  SaveUserSettings
} from "./UserCommands.ts"

export type * from "./ChatCommands.ts"
export type * from "./MessageCommands.ts"
export type * from "./UserCommands.ts"

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
