/** Checks a whole batch before any of it is written. */
import type { StoredChat } from "@parley/core/Chat"
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import {
  Duplicate,
  VersionConflict,
  StorageFailed,
  type DialectRecord,
  type WriteBatch,
  type Write
} from "@parley/core/Store"
import { recordKey, type ChatState, type Tables } from "./Tables.ts"

/** Returns the rows that a write refers to; all must exist. */
const referencesOf = (
  write: Write
): {
  readonly users?: ReadonlyArray<UserId | null>
  readonly chat?: ChatId
  readonly entry?: EntryId
  /** A message of `chat`. */
  readonly message?: EntryId
} => {
  switch (write._tag) {
    case "CreateChat":
      return { users: [write.by, write.chat.createdBy, write.chat.owner, ...write.chat.members] }
    case "Append": {
      const { body, by, chat } = write
      if (body._tag === "Posted") return { chat, users: [by] }
      return { chat, users: [by, body.owner ?? null, ...(body.added ?? [])] }
    }
    case "Amend":
      return { chat: write.chat, users: [write.by], message: write.body.message }
    case "SetPreference":
      return { users: [write.user], chat: write.chat }
    case "MoveCursor":
      return { users: [write.cursor.user], chat: write.cursor.chat }
    case "HideMessage":
      return { users: [write.user], entry: write.message }
    case "ChangeUser":
    case "EndSessions":
    case "SaveSettings":
      return { users: [write.user] }
    case "SaveSession":
      return { users: [write.session.user] }
    case "AddFile":
      return { users: [write.file.addedBy], chat: write.file.chat }
    default:
      return {}
  }
}

const missingReference = (tables: Tables, write: Write): string | undefined => {
  const { chat, entry, message, users } = referencesOf(write)
  if (chat !== undefined && !tables.chats.has(chat)) return `there is no chat ${chat}`
  if (entry !== undefined && tables.entries[entry - 1] === undefined) return `there is no entry ${entry}`
  if (message !== undefined && tables.messages.get(message)?.chat !== chat) {
    return `there is no message ${message} in chat ${chat}`
  }
  const user = users?.find((one) => one !== null && !tables.users.has(one))
  return user === undefined ? undefined : `there is no user ${user}`
}

/** Returns a name for the unique key of a write. */
const uniqueKeyOf = (write: Write): string | undefined => {
  switch (write._tag) {
    case "CreateChat":
      return `chat ${write.chat.gid}`
    case "Append":
      return write.body._tag === "Posted" ? `message ${write.body.gid}` : undefined
    case "CreateUser":
      return `account ${write.user.account}`
    case "PutRecord": {
      const { dialect, key, kind, value } = write.record
      return write.once === true && value !== null ? `record ${JSON.stringify([dialect, kind, key])}` : undefined
    }
    default:
      return undefined
  }
}

const duplicateOf = (
  tables: Tables,
  batch: WriteBatch,
  stored: (state: ChatState) => StoredChat
): Duplicate | undefined => {
  const messages: Array<Message> = []
  let chat: StoredChat | undefined
  let account: string | undefined
  let record: DialectRecord | undefined
  for (const write of batch.writes) {
    if (write._tag === "Append" && write.body._tag === "Posted") {
      const id = tables.messagesByGid.get(write.body.gid)
      const message = id === undefined ? undefined : tables.messages.get(id)
      if (message !== undefined) messages.push(message)
    } else if (write._tag === "CreateChat") {
      const id = tables.chatsByGid.get(write.chat.gid)
      const state = id === undefined ? undefined : tables.chats.get(id)
      if (state !== undefined) chat ??= stored(state)
    } else if (write._tag === "CreateUser") {
      if (tables.usersByAccount.has(write.user.account)) account ??= write.user.account
    } else if (write._tag === "PutRecord" && write.once === true && write.record.value !== null) {
      record ??= tables.records.get(recordKey(write.record.dialect, write.record.kind))?.get(write.record.key)
    }
  }
  if (messages.length === 0 && chat === undefined && account === undefined && record === undefined) return undefined
  return new Duplicate({
    messages,
    ...(chat && { chat }),
    ...(account !== undefined && { account }),
    ...(record && { record })
  })
}

const failed = (problem: string): StorageFailed => new StorageFailed({ operation: "commit", cause: new Error(problem) })

/** Whether the facts behind a write have changed. */
const isStale = (tables: Tables, write: Write): boolean => {
  if (write._tag === "SaveSession") {
    const state = tables.users.get(write.session.user)
    if (state === undefined) return false
    return state.user.disabled || (write.epoch !== undefined && write.epoch !== state.sessionEpoch)
  }
  if (write._tag !== "PutRecord" || write.expected === undefined) return false
  const { dialect, key, kind } = write.record
  const stored = tables.records.get(recordKey(dialect, kind))?.get(key)?.value ?? null
  return JSON.stringify(stored) !== JSON.stringify(write.expected)
}

/** Returns the conflict with the expected versions and revisions, or undefined. */
const conflictOf = (tables: Tables, { expectedVersions, writes }: WriteBatch): VersionConflict | undefined => {
  const chats = new Set<ChatId>()
  const messages = new Set<EntryId>()
  const amended = new Set<EntryId>()
  for (const { chat, version } of expectedVersions)
    if (tables.chats.get(chat)?.chat.version !== version) chats.add(chat)
  for (const write of writes) {
    if (write._tag !== "Amend") continue
    const message = tables.messages.get(write.body.message)
    if (message === undefined) continue
    // A second amendment in the batch expects a revision that the first one replaces.
    if (message.revision !== write.revision || amended.has(message.id)) messages.add(message.id)
    amended.add(message.id)
  }
  const isDisabled = (id: UserId | null): id is UserId => id !== null && tables.users.get(id)?.user.disabled === true
  const senders = writes.flatMap((write) => (write._tag === "Append" && write.body._tag === "Posted" ? write.by : []))
  const users = [...new Set(senders.filter(isDisabled))]
  const isStaleBatch = chats.size + messages.size + users.length > 0 || writes.some((write) => isStale(tables, write))
  if (!isStaleBatch) return undefined
  return new VersionConflict({ chats: [...chats], messages: [...messages], ...(users.length > 0 && { users }) })
}

/** Returns the reason why the batch cannot be applied, or undefined. */
export const checkBatch = (
  tables: Tables,
  batch: WriteBatch,
  stored: (state: ChatState) => StoredChat
): VersionConflict | Duplicate | StorageFailed | undefined => {
  const conflict = conflictOf(tables, batch)
  if (conflict !== undefined) return conflict
  const existing = duplicateOf(tables, batch, stored)
  if (existing !== undefined) return existing
  const seen = new Set<string>()
  for (const write of batch.writes) {
    const problem = missingReference(tables, write)
    if (problem !== undefined) return failed(problem)
    const name = uniqueKeyOf(write)
    if (name !== undefined && seen.has(name)) return failed(`the batch has ${name} twice`)
    if (name !== undefined) seen.add(name)
  }
  return undefined
}
