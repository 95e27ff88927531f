/**
 * The journal of a store, by which nodes that share it learn what others have changed. It lists rare changes of facts that
 * nodes keep in memory, written in the commit of the change, so that none is lost. Messages are not in it: they are in
 * the log.
 */
import type { ChatId, EntryId, UserId } from "./Ids.ts"

/** A rare change. */
export type Change =
  /** A session ended; `replaced` if a login ended it (`SaveSession.keep`, `EndSession.replaced`). */
  | { readonly _tag: "SessionEnded"; readonly user: UserId; readonly hash: string; readonly replaced: boolean }
  /** A user was created or changed, or their password was; `renamed` if the change names a real name. */
  | { readonly _tag: "UserChanged"; readonly user: UserId; readonly renamed: boolean }
  /** This entry created a chat, or changed its facts. */
  | { readonly _tag: "ChatChanged"; readonly chat: ChatId; readonly entry: EntryId; readonly seq: number }
  | NotedChange

/** A change that a store cannot detect, so that a write names it. */
export type NotedChange =
  /** Records of a kind that nodes keep in memory have changed. */
  | { readonly _tag: "RecordsChanged"; readonly dialect: string; readonly kind: string }
  /** The external directory has changed these users, by external id, or any of them. */
  | { readonly _tag: "DirectoryChanged"; readonly ids: ReadonlyArray<string> | null }

/** A change with its id. */
export interface JournalEntry {
  /** From 1. Ids rise as those of entries do. */
  readonly id: number
  /** The change. */
  readonly change: Change
}

/** A page of the journal. */
export interface JournalPage {
  /** By id. */
  readonly entries: ReadonlyArray<JournalEntry>
  /** False if older changes after the requested id have been dropped: all that is in memory may be outdated. */
  readonly complete: boolean
}

/** Position of an entry. */
export interface EntryLocation {
  /** Id of the entry. */
  readonly id: EntryId
  /** The chat that has it in its log. */
  readonly chat: ChatId
  /** Sequence in the chat's log. */
  readonly seq: number
}

/** Minimum number of changes that a journal keeps. */
export const JOURNAL_SIZE = 10_000
