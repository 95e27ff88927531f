/**
 * The stored facts that a transaction decides on, locked, and what its batches change in them. A batch is checked against them and
 * applied to them in memory; what has changed at the end is written (see `changes.ts`).
 */
import type { Chat, LogHead, NewChat, Preference } from "@parley/core/Chat"
import type { Cursor } from "@parley/core/Cursor"
import type { ChatId, EntryId, FileId, UserId } from "@parley/core/Ids"
import type { Change } from "@parley/core/Journal"
import type { Entry } from "@parley/core/Log"
import type { StoredFile, StoredSession } from "@parley/core/Store"
import type { NewUser, User, UserChange } from "@parley/core/User"

/** A row as it is stored (undefined if it is not), and as it will be. */
export interface Tracked<A> {
  readonly stored: A | undefined
  now: A | undefined
}

export interface TrackedHead extends LogHead {
  version: number
  seq: number
  posted: number
  activeAt: number
  isMoved: boolean
}

export interface TrackedUser {
  readonly stored: { readonly account: string }
  disabled: boolean
  epoch: number
  isEpochMoved: boolean
  /** Fields to be written. */
  change: UserChange
  settings: string | undefined
}

export interface TrackedRecord extends Tracked<unknown> {
  /** Whether the batch fails if another transaction creates the record in the meantime. */
  isGuarded: boolean
  isWritten: boolean
}

export interface TrackedSession extends Tracked<StoredSession> {
  /** Whether only its last use changes. */
  isTouched: boolean
}

/** A message that is amended or hidden. */
export interface MessageState {
  readonly chat: ChatId
  revision: EntryId
}

/** Sequences of ids that were drawn for the transaction. */
export interface DrawnIds {
  readonly entries: Array<number>
  readonly chats: Array<number>
  readonly users: Array<number>
  readonly files: Array<number>
}

export class Facts {
  /** Identifies the transaction after its connection was lost. */
  transaction = ""
  readonly ids: DrawnIds = { entries: [], chats: [], users: [], files: [] }

  readonly heads = new Map<ChatId, TrackedHead>()
  readonly knownChats = new Set<ChatId>()
  /** Users who exist, and whether they are disabled. */
  readonly knownUsers = new Map<UserId, boolean>()
  /** Chats that change, with those members only whom a change concerns. */
  /** Sequences of the system chats, for new users. */
  readonly systemChats = new Map<ChatId, number>()
  readonly chats = new Map<ChatId, { readonly stored: Chat; now: Chat }>()
  readonly users = new Map<UserId, TrackedUser>()
  readonly messages = new Map<EntryId, MessageState>()
  readonly takenGids = new Set<string>()
  readonly takenChatGids = new Set<string>()
  readonly accounts = new Map<string, UserId>()
  readonly records = new Map<string, TrackedRecord>()
  readonly preferences = new Map<string, Tracked<Preference>>()
  readonly cursors = new Map<string, Tracked<Cursor>>()
  readonly sessions = new Map<string, TrackedSession>()

  /** New rows, in the order of the writes. */
  readonly entries: Array<Entry> = []
  readonly newChats: Array<{ readonly id: ChatId; readonly chat: NewChat }> = []
  readonly newUsers: Array<{ readonly id: UserId; readonly since: User["since"]; readonly user: NewUser }> = []
  readonly newFiles: Array<StoredFile & { readonly id: FileId }> = []
  /** For the journal. */
  readonly changes: Array<Change> = []
  readonly hidden = new Map<string, readonly [user: UserId, message: EntryId]>()

  hasChat(chat: ChatId): boolean {
    return this.knownChats.has(chat) || this.heads.has(chat)
  }

  hasUser(user: UserId): boolean {
    return this.knownUsers.has(user) || this.users.has(user)
  }

  isDisabled(user: UserId): boolean {
    return this.users.get(user)?.disabled ?? this.knownUsers.get(user) ?? false
  }

  sessionsOf(user: UserId): ReadonlyArray<StoredSession> {
    return [...this.sessions.values()].flatMap(({ now }) => (now?.user === user ? [now] : []))
  }
}
