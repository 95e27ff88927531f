/** Decides whether a batch can be applied. */
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import { VersionConflict, type Write, type WriteBatch } from "@parley/core/Store"
import type { Facts } from "./Facts.ts"
import { keyOf } from "./Needs.ts"

/** Unique keys of a batch that exist already, of any kind. */
export interface TakenKeys {
  readonly gids: ReadonlyArray<string>
  readonly chats: ReadonlyArray<string>
  readonly accounts: ReadonlyArray<string>
  readonly records: ReadonlyArray<readonly [dialect: string, kind: string, key: string]>
}

export type Refusal =
  | { readonly _tag: "Conflict"; readonly conflict: VersionConflict }
  | { readonly _tag: "Taken"; readonly taken: TakenKeys }
  | { readonly _tag: "Failed"; readonly cause: unknown }

type PutRecord = Extract<Write, { readonly _tag: "PutRecord" }>

const recordKey = ({ record }: PutRecord): string => keyOf(record.dialect, record.kind, record.key)

/** Whether the facts behind a write, other than chat versions, have changed. */
const isStale = (facts: Facts, write: Write): boolean => {
  if (write._tag === "SaveSession") {
    const owner = facts.users.get(write.session.user)
    if (owner === undefined) return false
    return owner.disabled || (write.epoch !== undefined && write.epoch !== owner.epoch)
  }
  if (write._tag !== "PutRecord" || write.expected === undefined) return false
  const stored = facts.records.get(recordKey(write))?.now ?? null
  return JSON.stringify(stored) !== JSON.stringify(write.expected)
}

/** Returns the conflict with the expected versions and revisions, or undefined. */
const conflictOf = (facts: Facts, { expectedVersions, writes }: WriteBatch): VersionConflict | undefined => {
  const chats = new Set<ChatId>()
  const messages = new Set<EntryId>()
  const amended = new Set<EntryId>()
  for (const { chat, version } of expectedVersions) if (facts.heads.get(chat)?.version !== version) chats.add(chat)
  for (const write of writes) {
    if (write._tag !== "Amend") continue
    const { message } = write.body
    const state = facts.messages.get(message)
    if (state === undefined) continue
    // A second amendment in the batch expects a revision that the first one replaces.
    if (state.revision !== write.revision || amended.has(message)) messages.add(message)
    amended.add(message)
  }
  const senders = writes.flatMap((write) => (write._tag === "Append" && write.body._tag === "Posted" ? write.by : []))
  const users = [...new Set(senders)].filter((id) => id !== null).filter((id) => facts.isDisabled(id))
  const isStaleBatch = chats.size + messages.size + users.length > 0 || writes.some((write) => isStale(facts, write))
  if (!isStaleBatch) return undefined
  return new VersionConflict({ chats: [...chats], messages: [...messages], ...(users.length > 0 && { users }) })
}

const takenBy = (facts: Facts, { writes }: WriteBatch): TakenKeys | undefined => {
  const gids: Array<string> = []
  const chats: Array<string> = []
  const accounts: Array<string> = []
  const records: Array<readonly [string, string, string]> = []
  for (const write of writes) {
    if (write._tag === "Append" && write.body._tag === "Posted") {
      if (facts.takenGids.has(write.body.gid)) gids.push(write.body.gid)
    } else if (write._tag === "CreateChat") {
      if (facts.takenChatGids.has(write.chat.gid)) chats.push(write.chat.gid)
    } else if (write._tag === "CreateUser") {
      if (facts.accounts.has(write.user.account)) accounts.push(write.user.account)
    } else if (write._tag === "PutRecord" && write.once === true && write.record.value !== null) {
      const { dialect, key, kind } = write.record
      if (facts.records.get(recordKey(write))?.now !== undefined) records.push([dialect, kind, key])
    }
  }
  const count = gids.length + chats.length + accounts.length + records.length
  return count === 0 ? undefined : { gids, chats, accounts, records }
}

/** Returns what the write refers to that does not exist, or undefined. */
const missingReference = (facts: Facts, write: Write): string | undefined => {
  const user = (...ids: ReadonlyArray<UserId | null | undefined>): string | undefined => {
    const id = ids.find((one) => one !== null && one !== undefined && !facts.hasUser(one))
    return id === undefined ? undefined : `there is no user ${id}`
  }
  const chat = (id: ChatId): string | undefined => (facts.hasChat(id) ? undefined : `there is no chat ${id}`)
  switch (write._tag) {
    case "CreateChat":
      return user(write.by, write.chat.createdBy, write.chat.owner, ...write.chat.members)
    case "Append": {
      const { body } = write
      const missing = chat(write.chat) ?? user(write.by)
      if (missing !== undefined || body._tag === "Posted") return missing
      return user(body.owner, ...(body.added ?? []))
    }
    case "Amend":
      if (facts.messages.get(write.body.message)?.chat !== write.chat)
        return `there is no message ${write.body.message} in chat ${write.chat}`
      return user(write.by)
    case "SetPreference":
      return chat(write.chat) ?? user(write.user)
    case "MoveCursor":
      return chat(write.cursor.chat) ?? user(write.cursor.user)
    case "HideMessage":
      return facts.messages.has(write.message) ? user(write.user) : `there is no message ${write.message}`
    case "ChangeUser": {
      const { account } = write.change
      const owner = account === undefined ? undefined : facts.accounts.get(account)
      if (owner !== undefined && owner !== write.user) return `the account ${account} is taken`
      return user(write.user)
    }
    case "SaveSettings":
    case "EndSessions":
      return user(write.user)
    case "SaveSession":
      return user(write.session.user)
    case "AddFile":
      return chat(write.file.chat) ?? user(write.file.addedBy)
    default:
      return undefined
  }
}

/** Returns the write's unique key, or undefined. */
const uniqueKeyOf = (write: Write): string | undefined => {
  if (write._tag === "Append" && write.body._tag === "Posted") return keyOf("message", write.body.gid)
  if (write._tag === "CreateChat") return keyOf("chat", write.chat.gid)
  if (write._tag === "CreateUser") return keyOf("account", write.user.account)
  if (write._tag === "PutRecord" && write.once === true && write.record.value !== null) return recordKey(write)
  return undefined
}

const failed = (problem: string): Refusal => ({ _tag: "Failed", cause: new Error(problem) })

/** Returns the reason why the batch cannot be applied, or undefined. */
export const checkBatch = (facts: Facts, batch: WriteBatch): Refusal | undefined => {
  const conflict = conflictOf(facts, batch)
  if (conflict !== undefined) return { _tag: "Conflict", conflict }
  const taken = takenBy(facts, batch)
  if (taken !== undefined) return { _tag: "Taken", taken }
  const seen = new Set<string>()
  for (const write of batch.writes) {
    const problem = missingReference(facts, write)
    if (problem !== undefined) return failed(problem)
    const key = uniqueKeyOf(write)
    if (key !== undefined && seen.has(key)) return failed(`the batch has ${key} twice`)
    if (key !== undefined) seen.add(key)
  }
  return undefined
}
