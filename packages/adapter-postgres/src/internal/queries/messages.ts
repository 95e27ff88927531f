/** Queries of the log. */
import { ChatId, EntryId, type UserId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { LogRange } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { entry, entryColumns, messages } from "../logRows.ts"
import type { Reader } from "../Reader.ts"
import { Columns, int, ints, texts } from "../values.ts"

const ENTRIES = `SELECT ${entryColumns} FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS wanted (chat, after, upto)
  JOIN log ON log.chat = wanted.chat AND log.seq > wanted.after AND log.seq <= wanted.upto
  ORDER BY log.id`

/** Messages of `found`, and the later entries about them, of one snapshot. */
const asTheyStand = (found: string): string => `WITH found AS MATERIALIZED (${found})
  SELECT ${entryColumns} FROM found AS log
  UNION ALL SELECT ${entryColumns} FROM found JOIN log ON log.chat = found.chat AND log.target = found.id`

const BY_ID = asTheyStand(`SELECT ${entryColumns} FROM log WHERE id = ANY ($1) AND kind = 'Posted'`)
export const BY_GID = asTheyStand(
  `SELECT ${entryColumns} FROM gids JOIN log ON log.chat = gids.chat AND log.id = gids.id WHERE gids.gid = ANY ($1)`
)

/**
 * Finds the sequence of message number `wanted` of a chat by binary search. Earlier messages precede it and later ones follow it, so
 * the search covers only as many entries as are not messages.
 */
const seqOf = (wanted: string): string => `(
  WITH RECURSIVE search (low, high) AS (
    SELECT ${wanted} + 1, head.seq - (head.posted - ${wanted})
    UNION ALL
    SELECT CASE WHEN middle.posted >= ${wanted} THEN search.low ELSE middle.seq + 1 END,
      CASE WHEN middle.posted >= ${wanted} THEN middle.seq ELSE search.high END
    FROM search JOIN log AS middle ON middle.chat = head.chat AND middle.seq = (search.low + search.high) / 2
    WHERE search.low < search.high
  )
  SELECT max(low) FROM search
)`

const HISTORY = asTheyStand(`SELECT ${entryColumns} FROM (
    SELECT chat, ${seqOf("head.first")} AS low, ${seqOf("head.last")} AS high
    FROM (SELECT chat, seq, posted, greatest($2::bigint, 1) AS first, least($3::bigint, posted) AS last
      FROM heads WHERE chat = $1) AS head
    WHERE first <= last
  ) AS page JOIN log ON log.chat = page.chat AND log.seq BETWEEN page.low AND page.high AND log.kind = 'Posted'`)

const HIDDEN = "SELECT message FROM hidden_messages WHERE member = $1 AND message BETWEEN $2 AND $3"

const newestFirst = (found: Map<EntryId, Message>): ReadonlyArray<Message> =>
  [...found.values()].sort((a, b) => b.number - a.number)

export const messageQueries = (read: Reader) => ({
  entries: (ranges: ReadonlyArray<LogRange>) => {
    const wanted = ranges.filter(({ limit }) => limit > 0)
    if (wanted.length === 0) return Effect.succeed<ReadonlyArray<Entry>>([])
    const after = wanted.map((range) => Math.max(0, range.after))
    // Sequences have no gaps, so the wanted entries are the next `limit` sequences.
    const parameters = [
      ints(wanted.map(({ chat }) => chat)),
      ints(after),
      ints(wanted.map(({ limit }, index) => (after[index] ?? 0) + limit))
    ]
    return Effect.map(read.rows("entries", ENTRIES, parameters), (rows) => {
      if (wanted.length === 1) return rows.map(entry)
      return [...new Map(rows.map((row) => [row[0], row])).values()].map(entry)
    })
  },
  locate: (ids: ReadonlyArray<EntryId>) =>
    read.all(
      "locate",
      (row) => {
        const columns = new Columns(row)
        return { id: EntryId(columns.int()), chat: ChatId(columns.int()), seq: columns.int() }
      },
      "SELECT id, chat, seq FROM log WHERE id = ANY ($1)",
      ids,
      [ints(ids)]
    ),
  history: (
    chat: ChatId,
    page: { readonly from: number; readonly to: number; readonly hiddenFrom?: UserId }
  ): Effect.Effect<ReadonlyArray<Message>, Effect.Error<ReturnType<Reader["rows"]>>> =>
    Effect.gen(function* () {
      const rows = yield* read.rows("history", HISTORY, [int(chat), int(page.from), int(page.to)])
      const found = newestFirst(messages(rows))
      const [newest, oldest] = [found[0], found.at(-1)]
      if (page.hiddenFrom === undefined || newest === undefined || oldest === undefined) return found
      const range = [int(page.hiddenFrom), int(oldest.id), int(newest.id)]
      const hidden = new Set((yield* read.rows("history", HIDDEN, range)).map(([id]) => id))
      return found.filter(({ id }) => !hidden.has(id))
    }),
  messagesByGid: (gids: ReadonlyArray<string>) =>
    gids.length === 0
      ? Effect.succeed<ReadonlyArray<Message>>([])
      : Effect.map(read.rows("messagesByGid", BY_GID, [texts(gids)]), (rows) => [...messages(rows).values()]),
  messages: (ids: ReadonlyArray<EntryId>) =>
    ids.length === 0
      ? Effect.succeed<ReadonlyArray<Message>>([])
      : Effect.map(read.rows("messages", BY_ID, [ints(ids)]), (rows) => {
          const found = messages(rows)
          return [...new Set(ids)].flatMap((id) => found.get(id) ?? [])
        })
})
