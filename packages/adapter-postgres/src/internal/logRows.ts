/** Conversion of rows of the log to entries and messages. */
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Changed, Entry, EntryBody, Posted, Recalled, Replaced } from "@parley/core/Log"
import { amend, fromPosted, type Message } from "@parley/core/Message"
import { Columns, type Row } from "./values.ts"

export const entryColumns =
  "log.id, log.chat, log.seq, log.posted, log.at, log.author, log.device, log.kind, log.target, log.gid, log.type, log.content_type, log.content, log.date"

/** Reads the columns after `kind`; which are null depends on the kind. */
const bodyOf = (kind: EntryBody["_tag"], columns: Columns): EntryBody => {
  const target = columns.intOrNull()
  const gid = columns.textOrNull()
  const type = columns.textOrNull()
  const contentType = columns.textOrNull()
  const content = columns.textOrNull()
  switch (kind) {
    case "Created":
      return { _tag: kind }
    case "Posted":
      return {
        _tag: kind,
        gid: gid ?? "",
        type: type as Posted["type"],
        contentType: contentType ?? "",
        content: content ?? "",
        date: columns.intOrNull() ?? 0
      }
    case "Changed":
      return { ...(JSON.parse(content ?? "{}") as Omit<Changed, "_tag">), _tag: kind }
    case "Replaced":
      return { _tag: kind, message: EntryId(target ?? 0), contentType: contentType ?? "", content: content ?? "" }
    case "Recalled":
      return { _tag: kind, message: EntryId(target ?? 0) }
  }
}

export const entry = (row: Row): Entry => {
  const columns = new Columns(row)
  const position = {
    id: EntryId(columns.int()),
    chat: ChatId(columns.int()),
    seq: columns.int(),
    posted: columns.int(),
    at: columns.int()
  }
  const by = columns.intOrNull()
  return {
    ...position,
    by: by === null ? null : UserId(by),
    device: columns.textOrNull(),
    body: bodyOf(columns.text() as EntryBody["_tag"], columns)
  }
}

const isPosted = (entry: Entry): entry is Entry<Posted> => entry.body._tag === "Posted"
const isAmendment = (entry: Entry): entry is Entry<Replaced | Recalled> =>
  entry.body._tag === "Replaced" || entry.body._tag === "Recalled"

/** Returns the messages among these rows of posted messages and of later entries about them, as they stand now. */
export const messages = (rows: ReadonlyArray<Row>): Map<EntryId, Message> => {
  const found = new Map<EntryId, Message>()
  const later: Array<Entry<Replaced | Recalled>> = []
  for (const row of rows) {
    const one = entry(row)
    if (isPosted(one)) found.set(one.id, fromPosted(one))
    else if (isAmendment(one)) later.push(one)
  }
  for (const one of later.sort((a, b) => a.id - b.id)) {
    const before = found.get(one.body.message)
    if (before !== undefined) found.set(before.id, amend(before, one))
  }
  return found
}
