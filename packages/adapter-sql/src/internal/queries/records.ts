/** Queries of files and protocol records. */
import type { ChatId, FileId } from "@parley/core/Ids"
import type { DialectRecord, StoredFile } from "@parley/core/Store"
import { file, record, type FileRow, type RecordRow } from "../rows.ts"
import type { Statements } from "../Statements.ts"

export const fileById = (db: Statements, id: FileId): StoredFile | undefined => {
  const row = db.one<FileRow>("SELECT * FROM files WHERE id = ?", id)
  return row === undefined ? undefined : file(row)
}

export const files = (db: Statements, chat: ChatId): ReadonlyArray<StoredFile> =>
  db.all<FileRow>("SELECT * FROM files WHERE chat = ? ORDER BY id", chat).map(file)

export const recordByKey = (db: Statements, dialect: string, kind: string, key: string): DialectRecord | undefined => {
  const row = db.one<RecordRow>("SELECT * FROM records WHERE dialect = ? AND kind = ? AND key = ?", dialect, kind, key)
  return row === undefined ? undefined : record(row)
}

export const records = (db: Statements, dialect: string, kind: string): ReadonlyArray<DialectRecord> =>
  db
    .all<RecordRow>("SELECT * FROM records WHERE dialect = ? AND kind = ?", dialect, kind)
    // SQLite orders text by code points, all other stores by UTF-16 units.
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(record)
