/** Writes of the log and of the heads. */
import type { EntryId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import type { Statement } from "../Session.ts"
import { ints, texts } from "../values.ts"
import type { Facts } from "./Facts.ts"

const INSERT_ENTRIES = `INSERT INTO log (id, chat, seq, posted, at, date, author, target, kind, device, gid, type, content_type, content)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])`

interface BodyColumns {
  readonly date?: number
  readonly target?: EntryId
  readonly gid?: string
  readonly type?: string
  readonly contentType?: string
  readonly content?: string
}

const bodyOf = ({ body }: Entry): BodyColumns => {
  switch (body._tag) {
    case "Posted":
      return body
    case "Replaced":
      return { target: body.message, contentType: body.contentType, content: body.content }
    case "Recalled":
      return { target: body.message }
    case "Changed": {
      const { _tag, ...step } = body
      return { content: JSON.stringify(step) }
    }
    case "Created":
      return {}
  }
}

export const entriesOf = ({ entries }: Facts): ReadonlyArray<Statement> => {
  if (entries.length === 0) return []
  const bodies = entries.map(bodyOf)
  const messages = entries.flatMap((entry) => (entry.body._tag === "Posted" ? [{ ...entry, gid: entry.body.gid }] : []))
  // In one order, so that no two transactions wait for each other's gids.
  messages.sort((a, b) => (a.gid < b.gid ? -1 : 1))
  const inserted: Statement = [
    INSERT_ENTRIES,
    [
      ints(entries.map(({ id }) => id)),
      ints(entries.map(({ chat }) => chat)),
      ints(entries.map(({ seq }) => seq)),
      ints(entries.map(({ posted }) => posted)),
      ints(entries.map(({ at }) => at)),
      ints(bodies.map(({ date }) => date ?? null)),
      ints(entries.map(({ by }) => by)),
      ints(bodies.map(({ target }) => target ?? null)),
      texts(entries.map(({ body }) => body._tag)),
      texts(entries.map(({ device }) => device)),
      texts(bodies.map(({ gid }) => gid ?? null)),
      texts(bodies.map(({ type }) => type ?? null)),
      texts(bodies.map(({ contentType }) => contentType ?? null)),
      texts(bodies.map(({ content }) => content ?? null))
    ]
  ]
  if (messages.length === 0) return [inserted]
  const gids: Statement = [
    "INSERT INTO gids (gid, chat, id) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])",
    [texts(messages.map(({ gid }) => gid)), ints(messages.map(({ chat }) => chat)), ints(messages.map(({ id }) => id))]
  ]
  return [gids, inserted]
}

export const headsOf = ({ heads }: Facts): ReadonlyArray<Statement> => {
  const moved = [...heads].filter(([, { isMoved }]) => isMoved)
  if (moved.length === 0) return []
  return [
    [
      `UPDATE heads SET version = new.version, seq = new.seq, posted = new.posted, active_at = new.active_at
       FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS new (chat, version, seq, posted, active_at)
       WHERE heads.chat = new.chat AND heads.chat = ANY ($1)`,
      [
        ints(moved.map(([chat]) => chat)),
        ints(moved.map(([, { version }]) => version)),
        ints(moved.map(([, { seq }]) => seq)),
        ints(moved.map(([, { posted }]) => posted)),
        ints(moved.map(([, { activeAt }]) => activeAt))
      ]
    ]
  ]
}
