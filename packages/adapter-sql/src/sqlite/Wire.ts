/**
 * What travels between the store and its writer. Cloning between threads costs by the object and by the key, so the most
 * frequent unit, one message, travels as a row, and what was committed comes back as numbers only: the store still has
 * the unit, and makes the answer from both.
 */
import { asMade, type StoredChat } from "@parley/core/Chat"
import { ChatId, EntryId, FileId, UserId } from "@parley/core/Ids"
import type { Posted } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { DialectRecord, Unit, Write, Written } from "@parley/core/Store"

/** One message: chat, version relied on (0 for none), by, origin, at, gid, type, contentType, content, date. */
export type Post = readonly [
  chat: ChatId,
  version: number,
  by: UserId | null,
  origin: string | null,
  at: number,
  gid: string,
  type: Posted["type"],
  contentType: string,
  content: string,
  date: number
]

export const pack = (unit: Unit): Post | Unit => {
  const write = unit.writes[0]
  if (unit.writes.length !== 1 || write?._tag !== "Append" || write.body._tag !== "Posted") return unit
  const relied = unit.relies[0]
  if (unit.relies.length > 1 || (relied !== undefined && relied.chat !== write.chat)) return unit
  const { body } = write
  return [
    write.chat,
    relied?.version ?? 0,
    write.by,
    write.origin,
    write.at,
    body.gid,
    body.type,
    body.contentType,
    body.content,
    body.date
  ]
}

export const isPost = (packed: Post | Unit): packed is Post => Array.isArray(packed)

/** Why a unit took no effect. */
export type Refusal =
  | { readonly _tag: "Stale"; readonly chats: ReadonlyArray<ChatId> }
  | {
      readonly _tag: "Duplicate"
      readonly messages: ReadonlyArray<Message>
      readonly chat?: StoredChat
      readonly account?: string
      readonly record?: DialectRecord
    }
  | { readonly _tag: "Failed"; readonly cause: unknown }

export type ToWriter =
  | { readonly _tag: "Commit"; readonly units: ReadonlyArray<Post | Unit> }
  | { readonly _tag: "End" }

export type FromWriter =
  | { readonly _tag: "Ready" }
  | {
      readonly _tag: "Done"
      /** For each unit that took effect, in order, the numbers of its writes. */
      readonly numbers: Float64Array
      /** The others, by index, ascending. */
      readonly refused: ReadonlyArray<readonly [index: number, refusal: Refusal]>
    }
  /** The transaction failed, and no unit took effect. */
  | { readonly _tag: "Failed"; readonly cause: unknown }

/**
 * What one write came to. `next` gives the write's numbers: chat and entry of a new chat; id, sequence and posted of an
 * entry; id and since of a user; the id of a file.
 */
export const written = (write: Write, next: () => number): Written => {
  switch (write._tag) {
    case "CreateChat": {
      const chat = ChatId(next())
      return {
        _tag: "Chat",
        stored: { chat: asMade(write.chat, chat), head: { seq: 1, posted: 0, activeAt: 0 } },
        entry: {
          id: EntryId(next()),
          chat,
          seq: 1,
          posted: 0,
          at: write.chat.createdAt,
          by: write.by,
          origin: null,
          body: { _tag: "Created" }
        }
      }
    }
    case "Append": {
      const { at, body, by, chat, origin } = write
      return { _tag: "Entry", entry: { id: EntryId(next()), chat, seq: next(), posted: next(), at, by, origin, body } }
    }
    case "CreateUser": {
      const { password: _, ...user } = write.user
      return { _tag: "User", user: { ...user, id: UserId(next()), since: EntryId(next()) } }
    }
    case "AddFile":
      return { _tag: "File", file: { ...write.file, id: FileId(next()) } }
    default:
      return { _tag: "Done" }
  }
}
