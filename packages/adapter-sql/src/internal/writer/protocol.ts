/**
 * What travels between the store and its writer. Cloning between threads costs by the object and by the key, so messages,
 * the most frequent units, travel as rows in one list, and what was committed comes back as numbers only: the store still
 * has the unit, and makes the answer from both.
 */
import { createdChat, type StoredChat } from "@parley/core/Chat"
import { ChatId, EntryId, FileId, UserId } from "@parley/core/Ids"
import type { Entry, Posted } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { DialectRecord, MessageAppend, WriteBatch, Write, WriteResult } from "@parley/core/Store"

/** The fields of one message. */
export type PostRow = readonly [
  chat: ChatId,
  /** What was relied on; 0 for none. */
  version: number,
  by: UserId | null,
  device: string | null,
  at: number,
  gid: string,
  type: Posted["type"],
  contentType: string,
  content: string,
  date: number
]

export type Cell = number | string | null

export const isMessageAppend = (packed: PostRow | WriteBatch): packed is PostRow => Array.isArray(packed)

/** Fields of a row. */
const FIELDS = 10
/** In the place of a row, which begins with a chat: the next one of the parcel's units has its turn. */
const UNIT = null

/** What of a parcel travels. */
export type BatchContents = Pick<PackedBatch, "cells" | "batches">

/** Units on their way to the writer, in their order. */
export class PackedBatch {
  /** Rows, one behind the other in one list. */
  readonly cells: Array<Cell> = []
  readonly batches: Array<WriteBatch> = []

  post({ at, body, by, chat, device, version }: MessageAppend): void {
    const { content, contentType, date, gid, type } = body
    this.cells.push(chat, version, by, device, at, gid, type, contentType, content, date)
  }

  batch(batch: WriteBatch): void {
    const post = messageAppendOf(batch)
    if (post !== undefined) return this.post(post)
    this.cells.push(UNIT)
    this.batches.push(batch)
  }
}

/** A unit of one message as such, version 0 where it relies on none; nothing for any other unit. */
const messageAppendOf = ({ expectedVersions, writes }: WriteBatch): MessageAppend | undefined => {
  const [write] = writes
  const [relied] = expectedVersions
  if (writes.length !== 1 || write?._tag !== "Append" || write.body._tag !== "Posted") return undefined
  if (expectedVersions.length > 1 || (relied !== undefined && relied.chat !== write.chat)) return undefined
  const { at, body, by, chat, device } = write
  return { chat, version: relied?.version ?? 0, by, device, at, body }
}

/** The units of a parcel. */
export const unpack = ({ cells, batches }: BatchContents): ReadonlyArray<PostRow | WriteBatch> => {
  const unpacked: Array<PostRow | WriteBatch> = []
  let next = 0
  for (let at = 0; at < cells.length;) {
    if (cells[at] === UNIT) {
      unpacked.push(...batches.slice(next, ++next))
      at += 1
    } else {
      const row: ReadonlyArray<Cell> = cells.slice(at, at + FIELDS)
      unpacked.push(row as PostRow)
      at += FIELDS
    }
  }
  return unpacked
}

/** Why a unit took no effect. */
export type Refusal =
  | {
      readonly _tag: "VersionConflict"
      readonly chats: ReadonlyArray<ChatId>
      readonly messages: ReadonlyArray<EntryId>
    }
  | {
      readonly _tag: "Duplicate"
      readonly messages: ReadonlyArray<Message>
      readonly chat?: StoredChat
      readonly account?: string
      readonly record?: DialectRecord
    }
  | { readonly _tag: "Failed"; readonly cause: unknown }

export type ToWriter =
  | { readonly _tag: "Commit"; readonly parcel: BatchContents }
  /** Asks for the messages with these gids. */
  | { readonly _tag: "Find"; readonly gids: ReadonlyArray<string> }
  | { readonly _tag: "End" }

export type FromWriter =
  | { readonly _tag: "Ready" }
  | {
      readonly _tag: "Done"
      /**
       * For each unit that took effect, in order, the numbers of its writes. No typed array: what is read from one is a
       * boxed double to V8, which makes of every object with such an id another kind of object.
       */
      readonly numbers: ReadonlyArray<number>
      /** For each write that may end sessions, in order, the hashes of those that did. */
      readonly ended: ReadonlyArray<ReadonlyArray<string>>
      /** The others, by index, ascending. */
      readonly refused: ReadonlyArray<readonly [index: number, refusal: Refusal]>
    }
  /** The transaction failed, and no unit took effect. */
  | { readonly _tag: "Failed"; readonly cause: unknown }
  /**
   * The database's files were deleted or replaced: nothing more is written. Comes in reply to a `Commit`, and once by itself
   * where that is noticed between two of them.
   */
  | { readonly _tag: "Displaced"; readonly message: string; readonly isReply: boolean }
  /** Those there are, or why that cannot be told: in the order in which it was asked for. */
  | { readonly _tag: "Found"; readonly ids: ReadonlyArray<EntryId> }
  | { readonly _tag: "NotFound"; readonly cause: unknown }

/**
 * What one write came to. `next` gives the write's numbers: chat and entry of a new chat; id, sequence and posted of an
 * entry; star, hide and mute of a preference; id and since of a user; the id of a file. `ended` gives the sessions that
 * ended by the write.
 */
export const written = (
  write: Write,
  next: () => number,
  ended: () => ReadonlyArray<string> = () => []
): WriteResult => {
  switch (write._tag) {
    case "CreateChat": {
      const chat = ChatId(next())
      return {
        _tag: "Chat",
        stored: { chat: createdChat(write.chat, chat), head: { seq: 1, posted: 0, activeAt: 0 } },
        entry: {
          id: EntryId(next()),
          chat,
          seq: 1,
          posted: 0,
          at: write.chat.createdAt,
          by: write.by,
          device: null,
          body: { _tag: "Created" }
        }
      }
    }
    case "Append":
    case "Amend": {
      const { at, body, by, chat, device } = write
      return { _tag: "Entry", entry: { id: EntryId(next()), chat, seq: next(), posted: next(), at, by, device, body } }
    }
    case "SetPreference": {
      const { chat, user } = write
      const flags = { star: next() === 1, hide: next() === 1, mute: next() === 1 }
      return { _tag: "Preference", preference: { chat, user, ...flags } }
    }
    case "CreateUser": {
      const { password: _, ...user } = write.user
      return { _tag: "User", user: { ...user, id: UserId(next()), since: EntryId(next()) } }
    }
    case "AddFile":
      return { _tag: "File", file: { ...write.file, id: FileId(next()) } }
    case "SaveSession":
    case "EndSessions":
      return { _tag: "Sessions", ended: ended() }
    default:
      return { _tag: "Done" }
  }
}

/** The entry that a message became. */
export const posted = ({ at, body, by, chat, device }: MessageAppend, next: () => number): Entry<Posted> => ({
  id: EntryId(next()),
  chat,
  seq: next(),
  posted: next(),
  at,
  by,
  device,
  body
})
