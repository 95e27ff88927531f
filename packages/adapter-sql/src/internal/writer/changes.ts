/** Writes of the journal. */
import { type Change, JOURNAL_SIZE } from "@parley/core/Journal"
import type { Statements } from "../Statements.ts"

/** Number of changes that are dropped together. */
const DROP_SIZE = 1000

export const addChange = (db: Statements, change: Change): void => {
  const id = db.insert("INSERT INTO changes (change) VALUES (?)", JSON.stringify(change))
  if (id % DROP_SIZE === 0) db.run("DELETE FROM changes WHERE id <= ?", id - JOURNAL_SIZE)
}
