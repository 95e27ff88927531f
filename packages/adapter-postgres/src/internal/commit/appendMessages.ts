/**
 * Appends messages to any chats, in one statement and so in one round trip: locks the heads in the order of their ids, checks versions
 * senders and gids, numbers the messages, writes them, and moves the heads. No lock outlives the statement.
 *
 * The heads are read as they are when they are locked, however long that took. Everything else is read as of the
 * start of the statement: of two nodes that post the same gid, the second one finds it when it writes, and skips the message.
 *
 * Rows of tables are found by lists of their keys, since connections for writing have no nested loops (see `Session.ts`): the planner
 * cannot estimate the number of messages, and would compare each one with each other.
 */
import { EntryId } from "@parley/core/Ids"
import type { Entry, Posted } from "@parley/core/Log"
import type { MessageAppend } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { messages } from "../logRows.ts"
import { BY_GID } from "../queries/messages.ts"
import type { Session } from "../Session.ts"
import type { SessionPool } from "../SessionPool.ts"
import { Columns, ints, texts } from "../values.ts"
import type { Appended, Refused } from "./PendingBatch.ts"

/** `numbered` has what is written. An id is drawn for a message even if its gid turns out to exist: ids may have gaps. */
const APPEND = `WITH input AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::bigint[])
      WITH ORDINALITY AS input (chat, version, author, device, at, gid, type, content_type, content, date, nth)
  ), locked AS MATERIALIZED (
    SELECT chat, version, seq, posted FROM heads WHERE chat = ANY ($11) ORDER BY chat FOR NO KEY UPDATE
  ), authors AS MATERIALIZED (
    SELECT id, disabled FROM users WHERE id = ANY ($12)
  ), allowed AS MATERIALIZED (
    SELECT ordered.*, nextval('entry_ids') AS id FROM (
      SELECT input.nth, input.chat, input.gid, locked.seq, locked.posted
      FROM input JOIN locked USING (chat) LEFT JOIN authors ON authors.id = input.author
      WHERE input.version IN (0, locked.version) AND (input.author IS NULL OR NOT authors.disabled)
      ORDER BY input.nth
    ) AS ordered
  ), new AS MATERIALIZED (
    INSERT INTO gids (gid, chat, id) SELECT gid, chat, id FROM allowed ORDER BY gid ON CONFLICT DO NOTHING RETURNING id
  ), numbered AS MATERIALIZED (
    SELECT allowed.nth, allowed.chat, id, seq + row_number() OVER in_chat AS seq, posted + row_number() OVER in_chat AS posted
    FROM allowed JOIN new USING (id) WINDOW in_chat AS (PARTITION BY allowed.chat ORDER BY allowed.nth)
  ), logged AS (
    INSERT INTO log (id, chat, seq, posted, at, date, author, kind, device, gid, type, content_type, content)
    SELECT id, chat, seq, posted, at, date, author, 'Posted', device, gid, type, content_type, content
    FROM numbered JOIN input USING (nth, chat)
  ), moved AS (
    UPDATE heads SET seq = newest.seq, posted = newest.posted, active_at = newest.at
    FROM (SELECT DISTINCT ON (chat) chat, seq, posted, at FROM numbered JOIN input USING (nth, chat) ORDER BY chat, seq DESC) AS newest
    WHERE heads.chat = newest.chat AND heads.chat = ANY ($11)
  )
  SELECT locked.version, allowed.id IS NOT NULL, authors.disabled IS TRUE, numbered.id, numbered.seq, numbered.posted
  FROM input LEFT JOIN locked USING (chat) LEFT JOIN authors ON authors.id = input.author LEFT JOIN allowed USING (nth) LEFT JOIN numbered USING (nth) ORDER BY input.nth`

const parametersOf = (appends: ReadonlyArray<MessageAppend>) => [
  ints(appends.map(({ chat }) => chat)),
  ints(appends.map(({ version }) => version)),
  ints(appends.map(({ by }) => by)),
  texts(appends.map(({ device }) => device)),
  ints(appends.map(({ at }) => at)),
  texts(appends.map(({ body }) => body.gid)),
  texts(appends.map(({ body }) => body.type)),
  texts(appends.map(({ body }) => body.contentType)),
  texts(appends.map(({ body }) => body.content)),
  ints(appends.map(({ body }) => body.date)),
  ints([...new Set(appends.map(({ chat }) => chat))]),
  ints([...new Set(appends.flatMap(({ by }) => by ?? []))])
]

type Queries = Pick<SessionPool, "query">

const refusedAs = (refused: Refused["refused"]): Refused => ({ refused })

const failed = (problem: string): Refused => refusedAs({ cause: new Error(problem) })

/** Appends messages of different gids. Returns their outcomes, in order. */
export const appendMessages = (
  session: Session,
  appends: ReadonlyArray<MessageAppend>
): Effect.Effect<ReadonlyArray<Appended>, SqlError> =>
  Effect.map(session.query(APPEND, parametersOf(appends)), (rows) =>
    appends.map((message, index): Appended => {
      const columns = new Columns(rows[index] ?? [])
      const version = columns.intOrNull()
      const isAllowed = columns.bool()
      const isDisabled = columns.bool()
      const id = columns.intOrNull()
      if (id !== null) {
        const { at, body, by, chat, device } = message
        return { id: EntryId(id), chat, seq: columns.int(), posted: columns.int(), at, by, device, body }
      }
      if (message.version !== 0 && version !== message.version) return refusedAs("Conflict")
      if (version === null) return failed(`there is no chat ${message.chat}`)
      if (isDisabled) return refusedAs("Disabled")
      return isAllowed ? refusedAs("Duplicate") : failed(`there is no user ${message.by}`)
    })
  )

/**
 * Returns the entries of those messages that an earlier attempt with an unknown outcome has stored, by gid: equal in all that
 * the attempt wrote, with the time of the attempt.
 */
export const findAppended = (
  reads: Queries,
  appends: ReadonlyArray<MessageAppend>
): Effect.Effect<ReadonlyMap<string, Entry<Posted>>, SqlError> => {
  const positions = `SELECT log.gid, log.id, log.seq, log.posted, log.chat, log.author, log.device, log.at, log.content
    FROM gids JOIN log ON log.chat = gids.chat AND log.id = gids.id WHERE gids.gid = ANY ($1)`
  const byGid = new Map(appends.map((one) => [one.body.gid, one]))
  return Effect.map(reads.query(positions, [texts([...byGid.keys()])]), (rows) => {
    const found = new Map<string, Entry<Posted>>()
    for (const row of rows) {
      const columns = new Columns(row)
      const message = byGid.get(columns.text())
      if (message === undefined) continue
      const { at, body, by, chat, device } = message
      const position = { id: EntryId(columns.int()), chat, seq: columns.int(), posted: columns.int() }
      const isSame =
        columns.int() === chat &&
        columns.intOrNull() === by &&
        columns.textOrNull() === device &&
        columns.int() === at &&
        columns.textOrNull() === body.content
      if (isSame) found.set(body.gid, { ...position, at, by, device, body })
    }
    return found
  })
}

/** Returns the stored messages with these gids, as they stand now. */
export const findMessages = (reads: Queries, gids: ReadonlyArray<string>) =>
  Effect.map(reads.query(BY_GID, [texts(gids)]), (rows) => [...messages(rows).values()])
