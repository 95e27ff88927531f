/** Queries of files and protocol records. */
import type { ChatId, FileId } from "@parley/core/Ids"
import type { DialectRecord, StoredFile } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { Reader } from "../Reader.ts"
import { file, fileColumns, record, recordColumns } from "../rows.ts"
import { int, text } from "../values.ts"

export const recordQueries = (read: Reader) => ({
  file: (id: FileId) => read.first("file", file, `SELECT ${fileColumns} FROM files WHERE id = $1`, [int(id)]),
  files: (chat: ChatId) =>
    Effect.map(
      read.rows("files", `SELECT ${fileColumns} FROM files WHERE chat = $1 ORDER BY id`, [int(chat)]),
      (rows): ReadonlyArray<StoredFile> => rows.map(file)
    ),
  record: (dialect: string, kind: string, key: string) =>
    read.first("record", record, `SELECT ${recordColumns} FROM records WHERE dialect = $1 AND kind = $2 AND key = $3`, [
      text(dialect),
      text(kind),
      text(key)
    ]),
  records: (dialect: string, kind: string) =>
    Effect.map(
      read.rows("records", `SELECT ${recordColumns} FROM records WHERE dialect = $1 AND kind = $2`, [
        text(dialect),
        text(kind)
      ]),
      // PostgreSQL orders text by bytes, all other stores by UTF-16 units.
      (rows): ReadonlyArray<DialectRecord> => rows.map(record).sort((a, b) => (a.key < b.key ? -1 : 1))
    )
})
