/**
 * Identifiers of the engine: integers, except the `gid` of a chat or a message, which its creator chooses.
 *
 * A protocol's own chat id is a pure, reversible function of a `ChatId` or of a chat's `gid`, and lives in that
 * protocol's folder.
 */
import type * as Brand from "effect/Brand"

/** A user's integer id, from 1. */
export type UserId = number & Brand.Brand<"UserId">
export const UserId = (id: number): UserId => id as UserId

/** A chat's integer id, from 1. */
export type ChatId = number & Brand.Brand<"ChatId">
export const ChatId = (id: number): ChatId => id as ChatId

/**
 * The id of one log entry: an integer from 1, unique in a store. Ids rise within a chat in the order in which all members
 * see its entries, and an entry has a higher id than every entry whose commit had returned before its own began.
 * Concurrent commits in different chats have ids in any order. A message's id is the id of the entry that posted it.
 */
export type EntryId = number & Brand.Brand<"EntryId">
export const EntryId = (id: number): EntryId => id as EntryId

/** Id of a file that was uploaded to a chat: an integer from 1. */
export type FileId = number & Brand.Brand<"FileId">
export const FileId = (id: number): FileId => id as FileId

/**
 * First id of pushes that are in no log (a user list, a user's status). They are integers like entry ids, and never equal
 * one: a store would need 2^52 entries.
 */
export const EPHEMERAL_ID_BASE: number = 2 ** 52

let lastEphemeral = EPHEMERAL_ID_BASE

/** Returns an id for the next push that is in no log. */
export const nextEphemeralId = (): number => lastEphemeral++

/**
 * Returns the gid of the one chat between two users: their ids, as strings in string order, joined by `&`. Source:
 * PROTOCOLS, "Pairs".
 */
export const directGid = (a: UserId, b: UserId): string => {
  const [x, y] = [String(a), String(b)]
  return x < y ? `${x}&${y}` : `${y}&${x}`
}

/** Returns whether a gid has the form that is reserved for direct chats. */
export const isDirectGid = (gid: string): boolean => /^[0-9]+&[0-9]+$/.test(gid)
