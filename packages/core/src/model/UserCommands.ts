/** Commands that read chats, files and users, and those on files and the own user. */
import type { FileId } from "./Ids.ts"
import type { Status } from "./User.ts"
import type { ChatRef } from "./ChatCommands.ts"

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
