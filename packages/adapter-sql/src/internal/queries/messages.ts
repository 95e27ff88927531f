/**
 * Queries of the log. Its indexes lag behind (see `IndexScheduler`): lookups by chat take older entries from the table
 * `log_by_chat` and newer ones from the unindexed tail.
 */
import type { SQLInputValue } from "node:sqlite"
import type { LogHead } from "@parley/core/Chat"
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import { amend, fromPosted, type Message } from "@parley/core/Message"
import type { LogRange } from "@parley/core/Store"
import { amendment, entry, entryColumns, type EntryList, type EntryRow, entryRow, posted } from "../logRows.ts"
import { emptyHead } from "../rows.ts"
import type { Statements } from "../Statements.ts"
import type { UnindexedTail } from "../log-index/UnindexedTail.ts"

type AmendmentRow = Pick<EntryRow, "id" | "kind" | "target" | "content_type" | "content">

/** Columns of an entry that determine its chat's head. */
type Position = Pick<EntryRow, "seq" | "posted" | "at" | "kind">

/** Indexed entries of one chat. */
const INDEXED = `SELECT ${entryColumns} FROM log_by_chat AS by_chat CROSS JOIN log ON log.id = by_chat.id WHERE by_chat.chat = ?`
const NEXT = `${INDEXED} AND by_chat.seq > ? ORDER BY by_chat.seq LIMIT ?`
const MESSAGES = `${INDEXED} AND by_chat.seq BETWEEN ? AND ? AND log.kind = 'Posted' ORDER BY by_chat.seq DESC`
/** Entries by a JSON list of their ids: one statement for all of them. */
const LISTED = `SELECT ${entryColumns} FROM json_each(?) AS wanted CROSS JOIN log ON log.id = wanted.value`
const LISTED_IN_ORDER = `${LISTED} ORDER BY log.id`
const LISTED_MESSAGES = `${LISTED} WHERE log.kind = 'Posted'`

const LOCATED = "SELECT log.id, chat, seq FROM json_each(?) AS wanted CROSS JOIN log ON log.id = wanted.value"

const rows = (db: Statements, sql: string, ...values: ReadonlyArray<SQLInputValue>): Array<EntryRow> =>
  db.lists<EntryList>(sql, ...values).map(entryRow)

const POSITION = "SELECT seq, posted, at, kind FROM log WHERE id = ?"

/** The chat's last entry; undefined for an unknown chat. */
export const last = (db: Statements, tail: UnindexedTail, chat: ChatId): Position | undefined => {
  const id = tail.last(chat)
  if (id !== undefined) return db.one<Position>(POSITION, id)
  return db.one<Position>(
    `SELECT log.seq, posted, at, kind FROM log_by_chat AS by_chat CROSS JOIN log ON log.id = by_chat.id
     WHERE by_chat.chat = ? ORDER BY by_chat.seq DESC LIMIT 1`,
    chat
  )
}

/** The chat's entry `seq`. */
const entryAt = (db: Statements, tail: UnindexedTail, chat: ChatId, seq: number): Position | undefined => {
  const id = tail.at(chat, seq)
  if (id !== undefined) return db.one<Position>(POSITION, id)
  return db.one<Position>(
    `SELECT log.seq, posted, at, kind FROM log_by_chat AS by_chat CROSS JOIN log ON log.id = by_chat.id
     WHERE by_chat.chat = ? AND by_chat.seq = ?`,
    chat,
    seq
  )
}

/**
 * Returns the sequence of message `number`, which must exist. Earlier messages precede it and later ones follow it, so the
 * binary search covers only as many entries as are not messages.
 */
const seqOf = (
  db: Statements,
  tail: UnindexedTail,
  chat: ChatId,
  number: number,
  head: Pick<LogHead, "seq" | "posted">
): number => {
  let low = number + 1
  let high = head.seq - (head.posted - number)
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const entry = entryAt(db, tail, chat, middle)
    if (entry !== undefined && entry.posted >= number) high = middle
    else low = middle + 1
  }
  return low
}

export const head = (db: Statements, tail: UnindexedTail, chat: ChatId): LogHead => {
  const entry = last(db, tail, chat)
  if (entry === undefined) return emptyHead
  let activeAt = 0
  if (entry.kind === "Posted") activeAt = entry.at
  else if (entry.posted > 0) {
    activeAt = entryAt(db, tail, chat, seqOf(db, tail, chat, entry.posted, entry))?.at ?? 0
  }
  return { seq: entry.seq, posted: entry.posted, activeAt }
}

/** The newest entry's id, 0 in an empty store. */
export const newest = (db: Statements): number =>
  db.one<{ id: number | null }>("SELECT max(id) AS id FROM log")?.id ?? 0

export const entries = (db: Statements, tail: UnindexedTail, ranges: ReadonlyArray<LogRange>): ReadonlyArray<Entry> => {
  const read = ({ after, chat, limit }: LogRange) => {
    const found = rows(db, NEXT, chat, after, Math.max(0, limit))
    // Sequences have no gaps, so the wanted entries are the next `limit` sequences.
    const from = Math.max(0, after) + 1
    const later = tail.between(chat, from, from + limit - 1)
    return later.length === 0 ? found : found.concat(rows(db, LISTED_IN_ORDER, JSON.stringify(later)))
  }
  if (ranges.length === 1) return ranges.flatMap(read).map(entry)
  const found = new Map<EntryId, EntryRow>()
  for (const range of ranges) for (const row of read(range)) found.set(row.id, row)
  return [...found.values()].sort((a, b) => a.id - b.id).map(entry)
}

export const locate = (
  db: Statements,
  ids: ReadonlyArray<EntryId>
): ReadonlyArray<{ readonly id: EntryId; readonly chat: ChatId; readonly seq: number }> =>
  ids.length === 0
    ? []
    : db
        .lists<readonly [id: EntryId, chat: ChatId, seq: number]>(LOCATED, JSON.stringify([...new Set(ids)]))
        .map(([id, chat, seq]) => ({ id, chat, seq }))

/** Applies replacements and recalls to messages. `later` is in ascending order. */
const amendAll = (messages: Map<EntryId, Message>, later: ReadonlyArray<AmendmentRow>): void => {
  for (const row of later) {
    const body = amendment(row)
    const before = messages.get(body.message)
    if (before !== undefined) messages.set(body.message, amend(before, { id: row.id, body }))
  }
}

/** Returns the messages among these entries in their current state, in the order of the ids. */
export const messages = (db: Statements, ids: ReadonlyArray<EntryId>): ReadonlyArray<Message> => {
  if (ids.length === 0) return []
  const wanted = [...new Set(ids)]
  const list = JSON.stringify(wanted)
  const found = new Map<EntryId, Message>()
  for (const row of rows(db, LISTED_MESSAGES, list)) found.set(row.id, fromPosted(posted(row)))
  const later = db.all<AmendmentRow>(
    `SELECT about.id, about.kind, about.target, about.content_type, about.content
     FROM json_each(?) AS wanted CROSS JOIN log AS about ON about.target = wanted.value ORDER BY about.id`,
    list
  )
  amendAll(found, later)
  return wanted.flatMap((id) => found.get(id) ?? [])
}

/**
 * Returns a message's chat and the id of the entry that last changed it; undefined if the entry is not a message. The
 * index over targets is an ordinary one, never behind the log.
 */
export const revision = (
  db: Statements,
  message: EntryId
): { readonly chat: ChatId; readonly revision: EntryId } | undefined =>
  db.one<{ chat: ChatId; revision: EntryId }>(
    `SELECT chat, coalesce((SELECT max(about.id) FROM log AS about WHERE about.target = log.id), log.id) AS revision
     FROM log WHERE id = ? AND kind = 'Posted'`,
    message
  )

/** Returns messages `from`…`to` by number, newest first. */
export const history = (
  db: Statements,
  tail: UnindexedTail,
  chat: ChatId,
  page: { readonly from: number; readonly to: number; readonly hiddenFrom?: UserId }
): ReadonlyArray<Message> => {
  const end = last(db, tail, chat)
  if (end === undefined) return []
  const from = Math.max(1, page.from)
  const to = Math.min(end.posted, page.to)
  if (from > to) return []
  const low = seqOf(db, tail, chat, from, end)
  const high = from === to ? low : seqOf(db, tail, chat, to, end)
  const found = new Map<EntryId, Message>()
  for (const one of messages(db, tail.between(chat, low, high)).toReversed()) found.set(one.id, one)
  for (const row of rows(db, MESSAGES, chat, low, high)) found.set(row.id, fromPosted(posted(row)))
  const later = db.all<AmendmentRow>(
    `SELECT about.id, about.kind, about.target, about.content_type, about.content
     FROM log_by_chat AS by_chat CROSS JOIN log AS about ON about.target = by_chat.id
     WHERE by_chat.chat = ? AND by_chat.seq BETWEEN ? AND ? ORDER BY about.id`,
    chat,
    low,
    high
  )
  amendAll(found, later)
  const ids = [...found.keys()]
  const newest = ids[0]
  const oldest = ids[ids.length - 1]
  if (page.hiddenFrom !== undefined && newest !== undefined && oldest !== undefined) {
    const hidden = db.all<{ message: EntryId }>(
      "SELECT message FROM hidden_messages WHERE user = ? AND message BETWEEN ? AND ?",
      page.hiddenFrom,
      oldest,
      newest
    )
    for (const one of hidden) found.delete(one.message)
  }
  return [...found.values()]
}
