/** Queries of the journal and of the entries of all chats. */
import type { Change, EntryLocation, JournalPage } from "@parley/core/Journal"
import type { ChatId, EntryId } from "@parley/core/Ids"
import type { Statements } from "../Statements.ts"
import { newest as newestEntry } from "./messages.ts"

export const newest = (db: Statements): { readonly change: number; readonly entry: number } => ({
  change: db.one<{ id: number | null }>("SELECT max(id) AS id FROM changes")?.id ?? 0,
  entry: newestEntry(db)
})

export const changes = (db: Statements, after: number, limit: number): JournalPage => {
  const oldest = db.one<{ id: number | null }>("SELECT min(id) AS id FROM changes")?.id ?? 0
  const rows = db.lists<readonly [id: number, change: string]>(
    "SELECT id, change FROM changes WHERE id > ? ORDER BY id LIMIT ?",
    after,
    Math.max(0, limit)
  )
  return {
    entries: rows.map(([id, change]) => ({ id, change: JSON.parse(change) as Change })),
    complete: after >= oldest - 1
  }
}

export const appended = (db: Statements, after: number, limit: number): ReadonlyArray<EntryLocation> =>
  db
    .lists<readonly [id: EntryId, chat: ChatId, seq: number]>(
      "SELECT id, chat, seq FROM log WHERE id > ? ORDER BY id LIMIT ?",
      after,
      Math.max(0, limit)
    )
    .map(([id, chat, seq]) => ({ id, chat, seq }))
