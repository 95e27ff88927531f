/** Writes of the journal. */
import { JOURNAL_SIZE } from "@parley/core/Journal"
import type { Statement } from "../Session.ts"
import { int, texts } from "../values.ts"
import type { Facts } from "./Facts.ts"

/** Adds changes in their order. About every thousandth one drops those that are no longer kept. */
const ADD = `WITH added AS (
    INSERT INTO changes (id, change)
    SELECT nextval('change_ids'), change FROM (
      SELECT change FROM unnest($1::text[]) WITH ORDINALITY AS new (change, nth) ORDER BY nth
    ) AS ordered RETURNING id
  ), gone AS (
    DELETE FROM changes WHERE (SELECT bool_or(id % 1000 = 0) FROM added)
      AND id <= (SELECT id FROM changes ORDER BY id DESC OFFSET $2 LIMIT 1) RETURNING id
  )
  UPDATE journal SET dropped = (SELECT max(id) FROM gone) WHERE EXISTS (SELECT FROM gone)`

export const journalOf = ({ changes }: Facts): ReadonlyArray<Statement> =>
  changes.length === 0 ? [] : [[ADD, [texts(changes.map((change) => JSON.stringify(change))), int(JOURNAL_SIZE)]]]
