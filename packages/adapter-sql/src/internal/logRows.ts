/** Conversion of rows of the log to entries. */
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Changed, Entry, EntryBody, Posted, Recalled, Replaced } from "@parley/core/Log"

/** A row of the log; which columns are null depends on `kind`. */
export type EntryRow = {
  readonly id: EntryId
  readonly chat: ChatId
  readonly seq: number
  readonly posted: number
  readonly at: number
  readonly author: UserId | null
  readonly origin: string | null
  readonly kind: EntryBody["_tag"]
  readonly gid: string | null
  readonly target: EntryId | null
  readonly type: Posted["type"] | null
  readonly content_type: string | null
  readonly content: string | null
  readonly date: number | null
}

/** Columns of a row of the table `log`, read as a list: a third of the cost of objects. */
export const entryColumns =
  "log.id, log.chat, log.seq, log.posted, log.at, log.author, log.origin, log.kind, log.gid, log.target, log.type, log.content_type, log.content, log.date"

export type EntryList = readonly [
  id: EntryRow["id"],
  chat: EntryRow["chat"],
  seq: EntryRow["seq"],
  posted: EntryRow["posted"],
  at: EntryRow["at"],
  author: EntryRow["author"],
  origin: EntryRow["origin"],
  kind: EntryRow["kind"],
  gid: EntryRow["gid"],
  target: EntryRow["target"],
  type: EntryRow["type"],
  contentType: EntryRow["content_type"],
  content: EntryRow["content"],
  date: EntryRow["date"]
]

export const entryRow = ([
  id,
  chat,
  seq,
  posted,
  at,
  author,
  origin,
  kind,
  gid,
  target,
  type,
  content_type,
  content,
  date
]: EntryList): EntryRow => ({
  id,
  chat,
  seq,
  posted,
  at,
  author,
  origin,
  kind,
  gid,
  target,
  type,
  content_type,
  content,
  date
})

/** Converts the row of a message. */
export const posted = (row: EntryRow): Entry<Posted> => ({
  id: row.id,
  chat: row.chat,
  seq: row.seq,
  posted: row.posted,
  at: row.at,
  by: row.author,
  device: row.origin,
  body: {
    _tag: "Posted",
    gid: row.gid ?? "",
    type: row.type ?? "normal",
    contentType: row.content_type ?? "",
    content: row.content ?? "",
    date: row.date ?? 0
  }
})

/** Converts the row of a replacement or recall. */
export const amendment = (row: Pick<EntryRow, "kind" | "target" | "content_type" | "content">): Replaced | Recalled => {
  const message = row.target as EntryId
  return row.kind === "Recalled"
    ? { _tag: "Recalled", message }
    : { _tag: "Replaced", message, contentType: row.content_type ?? "", content: row.content ?? "" }
}

export const entry = (row: EntryRow): Entry => {
  if (row.kind === "Posted") return posted(row)
  const body: EntryBody =
    row.kind === "Created"
      ? { _tag: "Created" }
      : row.kind === "Changed"
        ? { ...(JSON.parse(row.content ?? "{}") as Omit<Changed, "_tag">), _tag: "Changed" }
        : amendment(row)
  return {
    id: row.id,
    chat: row.chat,
    seq: row.seq,
    posted: row.posted,
    at: row.at,
    by: row.author,
    device: row.origin,
    body
  }
}
