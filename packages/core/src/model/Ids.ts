/**
 * The identifiers of the engine. All are integers but a chat's and a message's `gid`, which their makers choose.
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
 * The id of one log entry: an integer from 1, unique in a store, rising with every commit. A message's id is the id of
 * the entry that posted it, so ids rise within a chat in the order in which all members see its messages.
 */
export type EntryId = number & Brand.Brand<"EntryId">
export const EntryId = (id: number): EntryId => id as EntryId

/** The id of a file that was uploaded to a chat, an integer from 1. */
export type FileId = number & Brand.Brand<"FileId">
export const FileId = (id: number): FileId => id as FileId

/**
 * Where the ids of pushes begin that are not kept in any log (a user list, somebody's status). They are integers as the
 * others are and never equal an `EntryId`: a log would need 2^40 entries to get here.
 */
export const EPHEMERAL_ID_BASE: number = 2 ** 40

let lastEphemeral = EPHEMERAL_ID_BASE

/** The id of one more push that is kept in no log. */
export const nextEphemeralId = (): number => lastEphemeral++

/**
 * The gid of the one chat between two users: their ids, as strings in string order, joined by `&`.
 * Source: PROTOCOLS, "Pairs".
 */
export const directGid = (a: UserId, b: UserId): string => {
  const [x, y] = [String(a), String(b)]
  return x < y ? `${x}&${y}` : `${y}&${x}`
}

/** Whether a gid has the form that only one-to-one chats may have. */
export const isDirectGid = (gid: string): boolean => /^[0-9]+&[0-9]+$/.test(gid)
