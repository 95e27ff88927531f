/** Writes of protocol records. */
import type { Write } from "@parley/core/Store"
import { recordByKey } from "../queries/records.ts"
import type { Statements } from "../Statements.ts"

const INSERT = "INSERT INTO records (dialect, kind, key, value) VALUES (?, ?, ?, ?)"
const UPSERT = `${INSERT} ON CONFLICT DO UPDATE SET value = excluded.value`

type PutRecord = Extract<Write, { readonly _tag: "PutRecord" }>

/** Whether the stored value differs from the expected one. */
export const isRecordStale = (db: Statements, { expected, record }: PutRecord): boolean => {
  const stored = recordByKey(db, record.dialect, record.kind, record.key)?.value ?? null
  return JSON.stringify(stored) !== JSON.stringify(expected)
}

export const putRecord = (db: Statements, write: PutRecord): void => {
  const { dialect, key, kind, value } = write.record
  if (value === null) db.run("DELETE FROM records WHERE dialect = ? AND kind = ? AND key = ?", dialect, kind, key)
  else db.run(write.once === true ? INSERT : UPSERT, dialect, kind, key, JSON.stringify(value))
}
