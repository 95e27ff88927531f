/**
 * Messages between the store and its writer. Structured cloning costs by object and key, so messages, the most frequent
 * batches, are rows in one flat list, and results come back as numbers: the store still has the batch and builds the
 * result from both.
 */
import { createdChat, type StoredChat } from "@parley/core/Chat"
import { ChatId, EntryId, FileId, UserId } from "@parley/core/Ids"
import type { Entry, Posted } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { DialectRecord, MessageAppend, WriteBatch, Write, WriteResult } from "@parley/core/Store"

/** The fields of one message. */
export type MessageRow = readonly [
  chat: ChatId,
  /** The expected version of the chat; 0 for none. */
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

export type Field = number | string | null

export const isMessageAppend = (packed: MessageRow | WriteBatch): packed is MessageRow => Array.isArray(packed)

/** Fields of a row. */
const FIELDS = 10
/** Marks the position of the next element of `batches` among the rows. */
const BATCH = null

/** The cloned part of a packed batch. */
export type BatchContents = Pick<PackedBatch, "fields" | "batches">

/** Batches for the writer, in order. */
export class PackedBatch {
  /** Concatenated rows. */
  readonly fields: Array<Field> = []
  readonly batches: Array<WriteBatch> = []

  addMessage({ at, body, by, chat, device, version }: MessageAppend): void {
    const { content, contentType, date, gid, type } = body
    this.fields.push(chat, version, by, device, at, gid, type, contentType, content, date)
  }

  addBatch(batch: WriteBatch): void {
    const message = messageAppendOf(batch)
    if (message !== undefined) return this.addMessage(message)
    this.fields.push(BATCH)
    this.batches.push(batch)
  }
}

/** Returns a batch of one message as `MessageAppend`, with version 0 if it expects none; undefined otherwise. */
const messageAppendOf = ({ expectedVersions, writes }: WriteBatch): MessageAppend | undefined => {
  const [write] = writes
  const [expected] = expectedVersions
  if (writes.length !== 1 || write?._tag !== "Append" || write.body._tag !== "Posted") return undefined
  if (expectedVersions.length > 1 || (expected !== undefined && expected.chat !== write.chat)) return undefined
  const { at, body, by, chat, device } = write
  return { chat, version: expected?.version ?? 0, by, device, at, body }
}

/** Returns the batches of a packed batch. */
export const unpack = ({ fields, batches }: BatchContents): ReadonlyArray<MessageRow | WriteBatch> => {
  const unpacked: Array<MessageRow | WriteBatch> = []
  let next = 0
  for (let at = 0; at < fields.length;) {
    if (fields[at] === BATCH) {
      unpacked.push(...batches.slice(next, ++next))
      at += 1
    } else {
      const row: ReadonlyArray<Field> = fields.slice(at, at + FIELDS)
      unpacked.push(row as MessageRow)
      at += FIELDS
    }
  }
  return unpacked
}

/** Why a batch was not applied. */
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
  | { readonly _tag: "Commit"; readonly contents: BatchContents }
  /** Requests the messages with these gids. */
  | { readonly _tag: "Find"; readonly gids: ReadonlyArray<string> }
  | { readonly _tag: "End" }

export type FromWriter =
  | { readonly _tag: "Ready" }
  | {
      readonly _tag: "Done"
      /**
       * The numbers of the writes of each applied batch, in order. Not a typed array: V8 boxes the doubles read from one,
       * which changes the hidden class of every object with such an id.
       */
      readonly numbers: ReadonlyArray<number>
      /** Hashes of the sessions ended by each write that may end some, in order. */
      readonly ended: ReadonlyArray<ReadonlyArray<string>>
      /** The refused batches, by ascending index. */
      readonly refused: ReadonlyArray<readonly [index: number, refusal: Refusal]>
    }
  /** The transaction failed; no batch was applied. */
  | { readonly _tag: "Failed"; readonly cause: unknown }
  /**
   * The database's files were deleted or replaced; no more data is written. Sent in reply to a `Commit`, and once on its own
   * if noticed between two of them.
   */
  | { readonly _tag: "Displaced"; readonly message: string; readonly isReply: boolean }
  /** The messages found, or the failure; in the order of the requests. */
  | { readonly _tag: "Found"; readonly ids: ReadonlyArray<EntryId> }
  | { readonly _tag: "NotFound"; readonly cause: unknown }

/**
 * Returns the result of one write. `next` returns its numbers: chat and entry of a new chat; id, sequence and posted of an
 * entry; star, hide and mute of a preference; of a user the id, the number of system chats, and id and sequence of each; the
 * id of a file. `ended` returns the sessions
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
      const id = UserId(next())
      const since: Record<number, number> = {}
      for (let left = next(); left > 0; left--) since[next()] = next()
      return { _tag: "User", user: { ...user, id, since } }
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

/** Returns the entry of a committed message. */
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
