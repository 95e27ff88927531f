/** What is read from the log. */
import type { Head } from "@parley/core/Chat"
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import { amend, fromPosted, type Message } from "@parley/core/Message"
import type { LogRange } from "@parley/core/Store"
import { emptyHead, amendment, entry, posted, type EntryRow } from "./Rows.ts"
import type { Statements } from "./Statements.ts"

type Amendment = Pick<EntryRow, "kind" | "target" | "content_type" | "content">

const ofEntry = "SELECT * FROM log"

/**
 * Where message `number` is, which must be one of the chat's. It comes after the first entry and all earlier messages,
 * and with all later messages behind it, so the search is over as many entries as are no messages.
 */
const seqOf = (db: Statements, chat: ChatId, number: number, head: Pick<Head, "seq" | "posted">): number => {
  let low = number + 1
  let high = head.seq - (head.posted - number)
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const at = db.one<{ posted: number }>("SELECT posted FROM log WHERE chat = ? AND seq = ?", chat, middle)
    if (at !== undefined && at.posted >= number) high = middle
    else low = middle + 1
  }
  return low
}

export const head = (db: Statements, chat: ChatId): Head => {
  const last = db.one<{ seq: number; posted: number; at: number; kind: string }>(
    "SELECT seq, posted, at, kind FROM log WHERE chat = ? ORDER BY seq DESC LIMIT 1",
    chat
  )
  if (last === undefined) return emptyHead
  let activeAt = 0
  if (last.kind === "Posted") activeAt = last.at
  else if (last.posted > 0) {
    const seq = seqOf(db, chat, last.posted, last)
    activeAt = db.one<{ at: number }>("SELECT at FROM log WHERE chat = ? AND seq = ?", chat, seq)?.at ?? 0
  }
  return { seq: last.seq, posted: last.posted, activeAt }
}

/** The newest entry's id, 0 in an empty store. */
export const newest = (db: Statements): number =>
  db.one<{ id: number | null }>("SELECT max(id) AS id FROM log")?.id ?? 0

export const entries = (db: Statements, ranges: ReadonlyArray<LogRange>): ReadonlyArray<Entry> => {
  const read = (range: LogRange) =>
    db.all<EntryRow>(
      `${ofEntry} WHERE chat = ? AND seq > ? ORDER BY seq LIMIT ?`,
      range.chat,
      range.after,
      Math.max(0, range.limit)
    )
  if (ranges.length === 1) return ranges.flatMap(read).map(entry)
  const found = new Map<EntryId, EntryRow>()
  for (const range of ranges) for (const row of read(range)) found.set(row.id, row)
  return [...found.values()].sort((a, b) => a.id - b.id).map(entry)
}

export const locate = (
  db: Statements,
  ids: ReadonlyArray<EntryId>
): ReadonlyArray<{ readonly id: EntryId; readonly chat: ChatId; readonly seq: number }> =>
  [...new Set(ids)].flatMap((id) => {
    const row = db.one<{ chat: ChatId; seq: number }>("SELECT chat, seq FROM log WHERE id = ?", id)
    return row === undefined ? [] : [{ id, chat: row.chat, seq: row.seq }]
  })

/** A message as it stands now. */
const message = (db: Statements, row: EntryRow): Message =>
  db
    .all<Amendment>("SELECT kind, target, content_type, content FROM log WHERE target = ? ORDER BY id", row.id)
    .reduce((now, later) => amend(now, amendment(later)), fromPosted(posted(row)))

export const messages = (db: Statements, ids: ReadonlyArray<EntryId>): ReadonlyArray<Message> =>
  [...new Set(ids)].flatMap((id) => {
    const row = db.one<EntryRow>(`${ofEntry} WHERE id = ? AND kind = 'Posted'`, id)
    return row === undefined ? [] : [message(db, row)]
  })

export const messagesByGid = (db: Statements, gids: ReadonlyArray<string>): ReadonlyArray<Message> =>
  [...new Set(gids)].flatMap((gid) => {
    const row = db.one<EntryRow>(`${ofEntry} WHERE gid = ?`, gid)
    return row === undefined ? [] : [message(db, row)]
  })

/** Messages `from`…`to` by number, newest first. */
export const history = (
  db: Statements,
  chat: ChatId,
  page: { readonly from: number; readonly to: number; readonly hiddenFrom?: UserId }
): ReadonlyArray<Message> => {
  const last = db.one<{ seq: number; posted: number }>(
    "SELECT seq, posted FROM log WHERE chat = ? ORDER BY seq DESC LIMIT 1",
    chat
  )
  if (last === undefined) return []
  const from = Math.max(1, page.from)
  const to = Math.min(last.posted, page.to)
  if (from > to) return []
  const low = seqOf(db, chat, from, last)
  const high = from === to ? low : seqOf(db, chat, to, last)
  const rows = db.all<EntryRow>(
    `${ofEntry} WHERE chat = ? AND seq BETWEEN ? AND ? AND kind = 'Posted' ORDER BY seq DESC`,
    chat,
    low,
    high
  )
  const found = new Map<EntryId, Message>(rows.map((row) => [row.id, fromPosted(posted(row))]))
  const later = db.all<Amendment>(
    `SELECT about.kind, about.target, about.content_type, about.content
     FROM log AS one CROSS JOIN log AS about ON about.target = one.id
     WHERE one.chat = ? AND one.seq BETWEEN ? AND ? ORDER BY about.id`,
    chat,
    low,
    high
  )
  for (const row of later) {
    const body = amendment(row)
    const before = found.get(body.message)
    if (before !== undefined) found.set(body.message, amend(before, body))
  }
  const newest = rows[0]
  const oldest = rows[rows.length - 1]
  if (page.hiddenFrom !== undefined && newest !== undefined && oldest !== undefined) {
    const hidden = db.all<{ message: EntryId }>(
      "SELECT message FROM hidden_messages WHERE user = ? AND message BETWEEN ? AND ?",
      page.hiddenFrom,
      oldest.id,
      newest.id
    )
    for (const one of hidden) found.delete(one.message)
  }
  return [...found.values()]
}
