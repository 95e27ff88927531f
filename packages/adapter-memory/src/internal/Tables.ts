/** The data of the store in memory. */
import type { Chat, Preference } from "@parley/core/Chat"
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { Cursor } from "@parley/core/Cursor"
import type { DialectRecord, StoredFile, StoredSession } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import { ChangeList } from "./ChangeList.ts"

export interface UserState {
  user: User
  password: string | null
  settings: string | null
  sessionEpoch: number
}

export interface ChatState {
  chat: Chat
  /** Sequence n at n - 1. */
  readonly log: Array<Entry>
  /** Message number n at n - 1. */
  readonly messages: Array<EntryId>
  activeAt: number
}

export const recordKey = (dialect: string, kind: string): string => JSON.stringify([dialect, kind])

/** Maps by id iterate in id order: ids ascend and no row is removed. */
export class Tables {
  readonly users = new Map<UserId, UserState>()
  readonly usersByAccount = new Map<string, UserId>()
  readonly chats = new Map<ChatId, ChatState>()
  readonly chatsByGid = new Map<string, ChatId>()
  readonly systemChats = new Set<ChatId>()
  /** Entry n at n - 1. */
  readonly entries: Array<Entry> = []
  /** Messages in their current state. */
  readonly messages = new Map<EntryId, Message>()
  readonly messagesByGid = new Map<string, EntryId>()
  readonly hidden = new Map<UserId, Set<EntryId>>()
  readonly preferences = new Map<UserId, Map<ChatId, Preference>>()
  /** By user, device and chat. */
  readonly cursors = new Map<UserId, Map<string, Map<ChatId, Cursor>>>()
  readonly sessions = new Map<string, StoredSession>()
  /** File n at n - 1. */
  readonly files: Array<StoredFile> = []
  /** By `recordKey` and key. */
  readonly records = new Map<string, Map<string, DialectRecord>>()
  readonly changes = new ChangeList()
}

/** Returns the value under the key; creates it if missing. */
export const getOrMake = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const existing = map.get(key)
  if (existing !== undefined) return existing
  const made = make()
  map.set(key, made)
  return made
}
