/**
 * Port: storage. Every implementation passes the laws in `testing/StoreLaws`.
 *
 * The port fits a remote database as well as an embedded one: command handlers return their writes as data, one
 * `commit` takes them all, and one read takes many keys.
 *
 * Laws, in short:
 * - `commit` is atomic: a batch takes effect whole or not at all, and the next read sees the writes of a commit.
 * - `commit` returns only after the batch is durable.
 * - Batches take effect in the order in which `commit` was called. An implementation may commit several concurrent
 *   batches in one transaction; a refused batch does not affect the others.
 * - Entry ids rise with every commit; a chat's sequence is 1, 2, 3, … without a gap.
 * - Nothing is ever removed from a log.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { NewChat, Preference, PreferenceFlags, StoredChat } from "../model/Chat.ts"
import type { ChatId, EntryId, FileId, UserId } from "../model/Ids.ts"
import type { EntryLocation, JournalPage, NotedChange } from "../model/Journal.ts"
import type { Amendment, Changed, Entry, Posted } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { Cursor } from "../model/Cursor.ts"
import type { StoredFile } from "../model/StoredFile.ts"
import type { NewUser, User, UserChange } from "../model/User.ts"

export type { StoredFile }

/** A live or expired session, identified by the hash of its token only. */
export interface StoredSession {
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string
  /** Id of the user. */
  readonly user: UserId
  /**
   * Purpose: `chat` for a chat client's login, `device` for one of a protocol whose users have several devices, `token` for
   * all others. Only `chat` sessions end each other where one session is allowed.
   */
  readonly kind: "chat" | "device" | "token"
  /** The device that logged in; "" for a user with a single device. */
  readonly device: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Time of the last use, from which the idle time counts; milliseconds since 1970. */
  readonly usedAt: number
}

/** A small record of one protocol. */
export interface DialectRecord {
  /** Name of the protocol. */
  readonly dialect: string
  /** Kind of the record, by the protocol's own name. */
  readonly kind: string
  /** Unique among the protocol's records of this kind. */
  readonly key: string
  /** JSON. */
  readonly value: unknown
}

/** One write of a batch, discriminated by `_tag`. */
export type Write =
  /** Creates a chat with the entry `Created`, `by` its creator. */
  | { readonly _tag: "CreateChat"; readonly chat: NewChat; readonly by: UserId | null }
  /** Appends an entry to a chat's log: its author, their device, its time in milliseconds since 1970, and its content. */
  | {
      readonly _tag: "Append"
      readonly chat: ChatId
      readonly by: UserId | null
      readonly device: string | null
      readonly at: number
      readonly body: Posted | Changed
    }
  /** Appends an entry that changes a message of the chat; at most one for each message in a batch. */
  | {
      readonly _tag: "Amend"
      readonly chat: ChatId
      readonly by: UserId | null
      readonly device: string | null
      readonly at: number
      readonly body: Amendment
      /** Revision of the message on which the decision is based. */
      readonly revision: EntryId
    }
  /** Absent flags are unchanged, or false if there is no preference yet. */
  | ({ readonly _tag: "SetPreference"; readonly chat: ChatId; readonly user: UserId } & Partial<PreferenceFlags>)
  /** Merges a cursor with the stored one: no sequence moves back. */
  | { readonly _tag: "MoveCursor"; readonly cursor: Cursor }
  /** Hides the message with this id from the user's history. */
  | { readonly _tag: "HideMessage"; readonly user: UserId; readonly message: EntryId }
  /** Creates a user. */
  | { readonly _tag: "CreateUser"; readonly user: NewUser }
  /** Changes facts of a user; absent ones are unchanged. */
  | { readonly _tag: "ChangeUser"; readonly user: UserId; readonly change: UserChange }
  /** Replaces the text of the user's settings. */
  | { readonly _tag: "SaveSettings"; readonly user: UserId; readonly settings: string }
  /**
   * Saves a session, replacing one with the same hash. The batch conflicts if the user is disabled, or if `epoch` is
   * not the current epoch of the user's sessions. At most `keep` of the user's sessions of this kind are left,
   * including this one: the least recently used ones end. A store serializes this for each user (for example by a lock
   * on the user's row), so that concurrent logins end each other as sequential ones do.
   */
  | { readonly _tag: "SaveSession"; readonly session: StoredSession; readonly keep?: number; readonly epoch?: number }
  /** Stores the last use of a session. An ended session stays ended. */
  | { readonly _tag: "TouchSession"; readonly hash: string; readonly usedAt: number }
  /** Ends the session with this hash; `replaced` if a login has taken its place. */
  | { readonly _tag: "EndSession"; readonly hash: string; readonly replaced?: true }
  /** Ends all sessions of a user and increments their epoch: logins in progress fail. */
  | { readonly _tag: "EndSessions"; readonly user: UserId }
  /** Adds a file whose content is in `Blobs`. */
  | { readonly _tag: "AddFile"; readonly file: Omit<StoredFile, "id"> }
  /**
   * `value` null removes the record. With `once`, an existing record makes the batch a duplicate. With `expected`
   * (JSON; null for no record), a different stored value makes the batch conflict: for values derived from an earlier
   * read.
   */
  | { readonly _tag: "PutRecord"; readonly record: DialectRecord; readonly once?: boolean; readonly expected?: unknown }
  /** Adds a change to the journal; a store adds all others by itself. */
  | { readonly _tag: "NoteChange"; readonly change: NotedChange }

/** Writes that take effect whole or not at all. */
export interface WriteBatch {
  /** The chats on whose facts the decision is based, with their versions. */
  readonly expectedVersions: ReadonlyArray<{ readonly chat: ChatId; readonly version: number }>
  /** The writes, in the order of their effects and results. */
  readonly writes: ReadonlyArray<Write>
}

/** One message, based on facts of its chat: by far the most frequent batch. */
export interface MessageAppend {
  /** The chat. */
  readonly chat: ChatId
  /** Version of the chat's facts on which the decision is based. */
  readonly version: number
  /** The sender; null for an anonymous protocol caller. */
  readonly by: UserId | null
  /** The sender's device, which gets no push; null if there is none. */
  readonly device: string | null
  /** Milliseconds since 1970. */
  readonly at: number
  /** The message. */
  readonly body: Posted
}

/** Returns the equivalent batch. */
export const toBatch = ({ chat, version, ...entry }: MessageAppend): WriteBatch => ({
  expectedVersions: [{ chat, version }],
  writes: [{ _tag: "Append", chat, ...entry }]
})

/**
 * Returns whether a message comes from the same device of the same user as one of these, whose append has failed. It
 * must not be stored before the failed one is sent again.
 */
export const followsFailed = (
  failed: ReadonlyArray<Pick<MessageAppend, "by" | "device">>
): ((message: Pick<MessageAppend, "by" | "device">) => boolean) => {
  const keyOf = ({ by, device }: Pick<MessageAppend, "by" | "device">) => JSON.stringify([by, device])
  const senders = new Set(failed.map(keyOf))
  return (message) => senders.size > 0 && senders.has(keyOf(message))
}

/** Result of a write, at the write's index. */
export type WriteResult =
  /** The created chat, and its entry `Created`. */
  | { readonly _tag: "Chat"; readonly stored: StoredChat; readonly entry: Entry }
  /** The appended entry. */
  | { readonly _tag: "Entry"; readonly entry: Entry }
  /** The preference after the write. */
  | { readonly _tag: "Preference"; readonly preference: Preference }
  /** The created or changed user. */
  | { readonly _tag: "User"; readonly user: User }
  /** The added file. */
  | { readonly _tag: "File"; readonly file: StoredFile }
  /** For `SaveSession` and `EndSessions`: hashes of the sessions that it ended, the most recently used first. */
  | { readonly _tag: "Sessions"; readonly ended: ReadonlyArray<string> }
  | { readonly _tag: "Done" }

/**
 * The facts on which a batch is based have changed: load them again and decide again. `chats` are those of
 * `expectedVersions` with another version, `messages` those that it amends with another revision; both are empty if the
 * conflict was about the user of a session, or a record. `users` are disabled senders of its messages: a store that several nodes
 * share checks them, since the change may not have reached their node yet. Checked before everything else of the batch.
 */
export class VersionConflict extends Data.TaggedError("VersionConflict")<{
  /** Chats with another version than expected. */
  readonly chats: ReadonlyArray<ChatId>
  /** Messages with another revision than expected. */
  readonly messages: ReadonlyArray<EntryId>
  /** Disabled senders. */
  readonly users?: ReadonlyArray<UserId>
}> {}

/** A value of the batch must be unique and already exists. */
export class Duplicate extends Data.TaggedError("Duplicate")<{
  /** Stored messages whose gid the batch would post. */
  readonly messages: ReadonlyArray<Message>
  /** The stored chat whose gid the batch would create. */
  readonly chat?: StoredChat
  /** The account that the batch would create. */
  readonly account?: string
  /** The stored record that must be new. */
  readonly record?: DialectRecord
}> {}

/** The storage itself failed; as far as is known, the batch had no effect. */
export class StorageFailed extends Data.TaggedError("StorageFailed")<{
  /** Name of the operation, for the log. */
  readonly operation: string
  /** Error of the storage. */
  readonly cause: unknown
}> {}

/** A range of one chat's log: at most `limit` entries with a sequence above `after`, oldest first. */
export interface LogRange {
  /** The chat. */
  readonly chat: ChatId
  /** Sequence before the first entry; 0 for the whole log. */
  readonly after: number
  /** Maximum number of entries. */
  readonly limit: number
}

/** The journal of a store. */
export interface Journal {
  /**
   * Milliseconds for which a change or an entry may still appear with a lower id than one that was read: as long as
   * concurrent commits may last. 0 if all ids appear in their order.
   */
  readonly overlap: number
  /** Ids of the newest change and of the newest entry; 0 if there is none. */
  readonly newest: Effect.Effect<{ readonly change: number; readonly entry: number }, StorageFailed>
  /** Changes with an id above `after`, by id, at most `limit`. At least the newest 10,000 changes are kept. */
  readonly changes: (after: number, limit: number) => Effect.Effect<JournalPage, StorageFailed>
  /** Entries of all chats with an id above `after`, by id, at most `limit`. */
  readonly appended: (after: number, limit: number) => Effect.Effect<ReadonlyArray<EntryLocation>, StorageFailed>
}

/** Port: storage. An implementation passes `storeLaws`. */
export class Store extends Context.Service<
  Store,
  {
    /**
     * Commits a batch whole or not at all. Fails with `VersionConflict` if its facts have changed, with `Duplicate`
     * if a value must be unique and exists, and with `StorageFailed`.
     */
    readonly commit: (
      batch: WriteBatch
    ) => Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>
    /**
     * Commits `toBatch(message)` in its turn among all batches, without running an effect. Calls back once: with the
     * entry as soon as it is durable, or with undefined if `commit` would have failed. After a failure of the storage it
     * also stores none of the messages from the same device that were waiting (`followsFailed`): the failed one is sent
     * again first. Optional, for stores that have a faster path than `commit`.
     */
    readonly appendMessage?: (message: MessageAppend, onComplete: (entry: Entry<Posted> | undefined) => void) => void

    /**
     * Fails while the store cannot be written for a reason that it can detect cheaply and without a write, such as a
     * deleted file. Optional.
     */
    readonly check?: Effect.Effect<void, StorageFailed>

    /** Users by id; unknown ids are left out. */
    readonly users: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, StorageFailed>
    /** Users by account; unknown accounts are left out. */
    readonly usersByAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed>
    /** All users, by id. */
    readonly allUsers: Effect.Effect<ReadonlyArray<User>, StorageFailed>
    /** Returns the hash of the user's password, or null without one. */
    readonly password: (user: UserId) => Effect.Effect<string | null, StorageFailed>
    /** Returns the settings of `SaveSettings`, or null. */
    readonly settings: (user: UserId) => Effect.Effect<string | null, StorageFailed>

    /** Chats by id, including dissolved ones; unknown ids are left out. */
    readonly chats: (ids: ReadonlyArray<ChatId>) => Effect.Effect<ReadonlyArray<StoredChat>, StorageFailed>
    /** Returns the chat with this gid, including a dissolved one. */
    readonly chatByGid: (gid: string) => Effect.Effect<StoredChat | undefined, StorageFailed>
    /** Chats that are not dissolved and have the user as a member, including system chats, by id. */
    readonly chatsOf: (user: UserId) => Effect.Effect<ReadonlyArray<ChatId>, StorageFailed>
    /** Chats that are public and not dissolved, by id. */
    readonly publicChats: Effect.Effect<ReadonlyArray<ChatId>, StorageFailed>
    /** Chats of type `system` that are not dissolved, by id. */
    readonly systemChats: Effect.Effect<ReadonlyArray<ChatId>, StorageFailed>
    /** The user's flags of all chats where they have set any. */
    readonly preferences: (user: UserId) => Effect.Effect<ReadonlyArray<Preference>, StorageFailed>

    /** Entries of all ranges, by id. */
    readonly entries: (ranges: ReadonlyArray<LogRange>) => Effect.Effect<ReadonlyArray<Entry>, StorageFailed>
    /** Positions of entries; unknown ids are left out. */
    readonly locate: (ids: ReadonlyArray<EntryId>) => Effect.Effect<ReadonlyArray<EntryLocation>, StorageFailed>
    /**
     * Messages `from`…`to` by their number in the chat, both included, as they stand now, newest first. At most 10,000
     * are requested in one call. Messages hidden by `hiddenFrom` are left out.
     */
    readonly history: (
      chat: ChatId,
      page: { readonly from: number; readonly to: number; readonly hiddenFrom?: UserId }
    ) => Effect.Effect<ReadonlyArray<Message>, StorageFailed>
    /** Messages by gid, as they stand now; unknown gids are left out. */
    readonly messagesByGid: (gids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Message>, StorageFailed>
    /** Messages by id, as they stand now; unknown ids are left out. */
    readonly messages: (ids: ReadonlyArray<EntryId>) => Effect.Effect<ReadonlyArray<Message>, StorageFailed>

    /** The cursors of one device, in all chats where it has one. */
    readonly cursorsOf: (user: UserId, device: string) => Effect.Effect<ReadonlyArray<Cursor>, StorageFailed>
    /** The cursors of all devices of these users in one chat. */
    readonly cursorsIn: (
      chat: ChatId,
      users: ReadonlyArray<UserId>
    ) => Effect.Effect<ReadonlyArray<Cursor>, StorageFailed>

    /** Returns the session with this hash, including an expired one. */
    readonly session: (hash: string) => Effect.Effect<StoredSession | undefined, StorageFailed>
    /** All sessions of the user, including expired ones. */
    readonly sessionsOf: (user: UserId) => Effect.Effect<ReadonlyArray<StoredSession>, StorageFailed>
    /** Number of times that all sessions of the user were ended; 0 for an unknown user. */
    readonly sessionEpoch: (user: UserId) => Effect.Effect<number, StorageFailed>
    /** Returns the file with this id. */
    readonly file: (id: FileId) => Effect.Effect<StoredFile | undefined, StorageFailed>
    /** A chat's files, by id. */
    readonly files: (chat: ChatId) => Effect.Effect<ReadonlyArray<StoredFile>, StorageFailed>
    /** The record, or undefined. */
    readonly record: (
      dialect: string,
      kind: string,
      key: string
    ) => Effect.Effect<DialectRecord | undefined, StorageFailed>
    /** All records of one kind, by key. */
    readonly records: (dialect: string, kind: string) => Effect.Effect<ReadonlyArray<DialectRecord>, StorageFailed>
    /** Changes and appended entries, for nodes that share the store. */
    readonly journal: Journal
  }
>()("@parley/core/Store") {}
