/**
 * Storage, as a port. Whatever implements it passes the laws in `testing/StoreLaws`.
 *
 * The port fits a database at the other end of a network as well as an embedded one: scripts return their writes as
 * data, one `commit` takes them all, and a read takes many keys at once.
 *
 * Laws, in short:
 * - `commit` is atomic: a unit takes effect whole or not at all, and what one commit wrote the next read sees.
 * - `commit` answers only after the unit is durable.
 * - Units take effect in the order in which `commit` was called. An implementation gathers what several callers
 *   commit at once into one transaction; a unit that is refused does not harm its neighbours.
 * - Entry ids rise with every commit; a chat's sequence is 1, 2, 3, … without a gap.
 * - Nothing is ever removed from a log.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { NewChat, Preference, PreferenceFlags, StoredChat } from "../model/Chat.ts"
import type { ChatId, EntryId, FileId, UserId } from "../model/Ids.ts"
import type { Amendment, Changed, Entry, Posted } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { Cursor } from "../model/Cursor.ts"
import type { StoredFile } from "../model/StoredFile.ts"
import type { NewUser, User, UserChange } from "../model/User.ts"

export type { StoredFile }

/** A live or expired session, known by the hash of its token only. */
export interface StoredSession {
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string
  readonly user: UserId
  /** What it is good for: `chat` for a chat client's login, `token` for all others. */
  readonly kind: "chat" | "token"
  /** The device that logged in; "" where a user has one only. */
  readonly device: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970. It expires so long after its last use. */
  readonly usedAt: number
}

/** A small record that only one protocol knows. */
export interface DialectRecord {
  readonly dialect: string
  readonly kind: string
  readonly key: string
  /** JSON. */
  readonly value: unknown
}

export type Write =
  | { readonly _tag: "CreateChat"; readonly chat: NewChat; readonly by: UserId | null }
  | {
      readonly _tag: "Append"
      readonly chat: ChatId
      readonly by: UserId | null
      readonly device: string | null
      readonly at: number
      readonly body: Posted | Changed
    }
  /** Appends an entry that changes a message of the chat; at most one for each message in a unit. */
  | {
      readonly _tag: "Amend"
      readonly chat: ChatId
      readonly by: UserId | null
      readonly device: string | null
      readonly at: number
      readonly body: Amendment
      /** The message's revision that was decided on. */
      readonly revision: EntryId
    }
  /** Absent flags stay as they are: false where there is no preference yet. */
  | ({ readonly _tag: "SetPreference"; readonly chat: ChatId; readonly user: UserId } & Partial<PreferenceFlags>)
  | { readonly _tag: "MoveCursor"; readonly cursor: Cursor }
  | { readonly _tag: "HideMessage"; readonly user: UserId; readonly message: EntryId }
  | { readonly _tag: "CreateUser"; readonly user: NewUser }
  | { readonly _tag: "ChangeUser"; readonly user: UserId; readonly change: UserChange }
  | { readonly _tag: "SaveSettings"; readonly user: UserId; readonly settings: string }
  /**
   * Opens a session, under a hash that is stored already in that one's place. A session of a disabled user, or decided on
   * an earlier `epoch` of the user's sessions, makes the unit stale. Of the user's sessions of this kind at most `keep`
   * are left, this one among them: the others that were used longest ago end. A store serializes this for each user (by a
   * lock on the user's row, say), so that logins at the same time end each other as those one after the other do.
   */
  | { readonly _tag: "SaveSession"; readonly session: StoredSession; readonly keep?: number; readonly epoch?: number }
  /** Writes the last use of a session. One that has ended stays ended. */
  | { readonly _tag: "TouchSession"; readonly hash: string; readonly usedAt: number }
  | { readonly _tag: "EndSession"; readonly hash: string }
  /** Ends all sessions of a user, and begins the next epoch of them: logins under way come too late. */
  | { readonly _tag: "EndSessions"; readonly user: UserId }
  | { readonly _tag: "AddFile"; readonly file: Omit<StoredFile, "id"> }
  /**
   * `value` null removes it. With `once`, a record that is there already makes the unit a duplicate. With `expected` (JSON;
   * null for no record), another stored value than that makes the unit stale: for values that are made from what was read.
   */
  | { readonly _tag: "PutRecord"; readonly record: DialectRecord; readonly once?: boolean; readonly expected?: unknown }

/** What takes effect whole or not at all. */
export interface WriteBatch {
  /** The chats whose facts the script decided on, with the version it saw. */
  readonly expectedVersions: ReadonlyArray<{ readonly chat: ChatId; readonly version: number }>
  readonly writes: ReadonlyArray<Write>
}

/** One message, decided on facts of its chat: the unit that is by far the most frequent. */
export interface MessageAppend {
  readonly chat: ChatId
  /** The version of the chat's facts that were decided on. */
  readonly version: number
  readonly by: UserId | null
  readonly device: string | null
  readonly at: number
  readonly body: Posted
}

/** The same as any other unit. */
export const toBatch = ({ chat, version, ...entry }: MessageAppend): WriteBatch => ({
  expectedVersions: [{ chat, version }],
  writes: [{ _tag: "Append", chat, ...entry }]
})

/** What a write came to, at the write's index. */
export type WriteResult =
  | { readonly _tag: "Chat"; readonly stored: StoredChat; readonly entry: Entry }
  | { readonly _tag: "Entry"; readonly entry: Entry }
  /** After the write. */
  | { readonly _tag: "Preference"; readonly preference: Preference }
  | { readonly _tag: "User"; readonly user: User }
  | { readonly _tag: "File"; readonly file: StoredFile }
  /** Of `SaveSession` and `EndSessions`: the hashes of the sessions that ended by it, those used last first. */
  | { readonly _tag: "Sessions"; readonly ended: ReadonlyArray<string> }
  | { readonly _tag: "Done" }

/**
/**
 * The version conflict: what the unit was decided on has changed; load the facts again and decide again. `chats` are those
 * that it relied on with another version, `messages` those that it amends with another revision; both are empty where it was
 * the user of a session, or a record. Checked before anything else of the unit.
 */
export class VersionConflict extends Data.TaggedError("Stale")<{
  readonly chats: ReadonlyArray<ChatId>
  readonly messages: ReadonlyArray<EntryId>
}> {}

/** Something in the unit must be unique and is there already. */
export class Duplicate extends Data.TaggedError("Duplicate")<{
  /** Stored messages whose gid the unit wanted to post. */
  readonly messages: ReadonlyArray<Message>
  /** The stored chat whose gid the unit wanted to create. */
  readonly chat?: StoredChat
  /** The account that the unit wanted to create. */
  readonly account?: string
  readonly record?: DialectRecord
}> {}

/** The storage itself failed; nothing of the unit took effect as far as can be known. */
export class StorageFailed extends Data.TaggedError("StorageFailed")<{
  readonly operation: string
  readonly cause: unknown
}> {}

/** A part of one chat's log: at most `limit` entries with a sequence above `after`, oldest first. */
export interface LogRange {
  readonly chat: ChatId
  readonly after: number
  readonly limit: number
}

export class Store extends Context.Service<
  Store,
  {
    readonly commit: (
      batch: WriteBatch
    ) => Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>
    /**
     * Commits `toBatch(post)`, in its turn among all units, without an effect to run: calls back once, with the entry once it
     * is durable, or with nothing where `commit` would have failed. A store that has no faster way than `commit` leaves it
     * out.
     */
    readonly appendMessage?: (post: MessageAppend, settled: (entry: Entry<Posted> | undefined) => void) => void

    /**
     * Fails while the store cannot be written for a reason that it sees by itself, cheaply and without a write: its file was
     * deleted, say. A store that knows no such reason leaves it out.
     */
    readonly check?: Effect.Effect<void, StorageFailed>

    /** Users by id; unknown ids are left out. */
    readonly users: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, StorageFailed>
    /** Users by account; unknown accounts are left out. */
    readonly usersByAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed>
    /** Everybody, by id. */
    readonly allUsers: Effect.Effect<ReadonlyArray<User>, StorageFailed>
    readonly password: (user: UserId) => Effect.Effect<string | null, StorageFailed>
    /** What `SaveSettings` saved, or null. */
    readonly settings: (user: UserId) => Effect.Effect<string | null, StorageFailed>

    /** Chats by id, dissolved ones too; unknown ids are left out. */
    readonly chats: (ids: ReadonlyArray<ChatId>) => Effect.Effect<ReadonlyArray<StoredChat>, StorageFailed>
    readonly chatByGid: (gid: string) => Effect.Effect<StoredChat | undefined, StorageFailed>
    /** The chats that the user is a member of and that are not dissolved, system chats too, by id. */
    readonly chatsOf: (user: UserId) => Effect.Effect<ReadonlyArray<ChatId>, StorageFailed>
    /** Chats that are public and not dissolved, by id. */
    readonly publicChats: Effect.Effect<ReadonlyArray<ChatId>, StorageFailed>
    /** Chats of type `system` that are not dissolved, by id. */
    readonly systemChats: Effect.Effect<ReadonlyArray<ChatId>, StorageFailed>
    readonly preferences: (user: UserId) => Effect.Effect<ReadonlyArray<Preference>, StorageFailed>

    /** Entries of all ranges, by id. */
    readonly entries: (ranges: ReadonlyArray<LogRange>) => Effect.Effect<ReadonlyArray<Entry>, StorageFailed>
    /** Where entries are; unknown ids are left out. */
    readonly locate: (
      ids: ReadonlyArray<EntryId>
    ) => Effect.Effect<
      ReadonlyArray<{ readonly id: EntryId; readonly chat: ChatId; readonly seq: number }>,
      StorageFailed
    >
    /**
     * Messages `from`…`to` by their number in the chat, both included, as they stand now, newest first. At most 10,000
     * are asked for at once. Those that `hiddenFrom` hid are left out.
     */
    readonly history: (
      chat: ChatId,
      page: { readonly from: number; readonly to: number; readonly hiddenFrom?: UserId }
    ) => Effect.Effect<ReadonlyArray<Message>, StorageFailed>
    /** Messages by gid, as they stand now; unknown gids are left out. */
    readonly messagesByGid: (gids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Message>, StorageFailed>
    /** Messages by id, as they stand now; unknown ids are left out. */
    readonly messages: (ids: ReadonlyArray<EntryId>) => Effect.Effect<ReadonlyArray<Message>, StorageFailed>

    /** The places of one device, in all chats where it has one. */
    readonly cursorsOf: (user: UserId, device: string) => Effect.Effect<ReadonlyArray<Cursor>, StorageFailed>
    /** The places of all devices of these users in one chat. */
    readonly cursorsIn: (
      chat: ChatId,
      users: ReadonlyArray<UserId>
    ) => Effect.Effect<ReadonlyArray<Cursor>, StorageFailed>

    readonly session: (hash: string) => Effect.Effect<StoredSession | undefined, StorageFailed>
    readonly sessionsOf: (user: UserId) => Effect.Effect<ReadonlyArray<StoredSession>, StorageFailed>
    /** How often all sessions of the user were ended at once; 0 for an unknown user. */
    readonly sessionEpoch: (user: UserId) => Effect.Effect<number, StorageFailed>
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
  }
>()("@parley/core/Store") {}
