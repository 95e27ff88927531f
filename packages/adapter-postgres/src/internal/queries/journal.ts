/** Queries of the journal and of the entries of all chats. */
import type { Change, EntryLocation, JournalPage } from "@parley/core/Journal"
import { ChatId, EntryId } from "@parley/core/Ids"
import type { Journal } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { Reader } from "../Reader.ts"
import { STATEMENT_TIMEOUT } from "../Session.ts"
import { Columns, int } from "../values.ts"

const NEWEST = "SELECT (SELECT coalesce(max(id), 0) FROM changes), (SELECT coalesce(max(id), 0) FROM log)"
const CHANGES = `SELECT journal.dropped, page.id, page.change FROM journal
  LEFT JOIN LATERAL (SELECT id, change FROM changes WHERE id > $1 ORDER BY id LIMIT $2) AS page ON true ORDER BY page.id`
const APPENDED = "SELECT id, chat, seq FROM log WHERE id > $1 ORDER BY id LIMIT $2"

export const journalQueries = (read: Reader): Journal => ({
  // Ids are drawn before the commit: in a transaction of two round trips, each of which has a deadline.
  overlap: 2 * STATEMENT_TIMEOUT,
  newest: Effect.map(read.rows("newest", NEWEST, []), ([row]) => {
    const columns = new Columns(row ?? [])
    return { change: columns.int(), entry: columns.int() }
  }),
  changes: (after, limit) =>
    Effect.map(read.rows("changes", CHANGES, [int(after), int(Math.max(0, limit))]), (rows): JournalPage => {
      const entries = rows.flatMap((row) => {
        const columns = new Columns(row, 1)
        const id = columns.intOrNull()
        return id === null ? [] : [{ id, change: columns.json() as Change }]
      })
      const dropped = rows[0]?.[0] as number
      return { entries, complete: after >= dropped }
    }),
  appended: (after, limit) =>
    Effect.map(read.rows("appended", APPENDED, [int(after), int(Math.max(0, limit))]), (rows) =>
      rows.map((row): EntryLocation => {
        const columns = new Columns(row)
        return { id: EntryId(columns.int()), chat: ChatId(columns.int()), seq: columns.int() }
      })
    )
})
