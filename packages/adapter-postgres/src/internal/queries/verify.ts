/** Verifies the tables of a database against each other. */
import { ChatId, UserId } from "@parley/core/Ids"
import type { EntryBody } from "@parley/core/Log"
import { Progress } from "@parley/core/Progress"
import { type DatabaseState, MAX_FINDINGS, StoreInvariants, type Verification } from "@parley/core/StoreInvariants"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { describeUrl, type OpenOptions, withSession } from "../connect.ts"
import { DatabaseError } from "../errors.ts"
import { isUsable, versionProblem } from "../migrate.ts"
import { VERSION } from "../schema.ts"
import type { Session } from "../Session.ts"
import { Columns } from "../values.ts"

/** Rows that are fetched at once. */
const PAGE = 5_000

/** The target is joined by its id alone: by its chat too, the planner may choose to read the whole log of the chat for each entry. */
const ENTRIES = `SELECT log.id, log.chat, log.seq, log.posted, log.author, log.kind, log.target,
    CASE target.chat WHEN log.chat THEN target.seq END, target.kind,
    CASE log.kind WHEN 'Changed' THEN log.content END, log.gid IS NULL OR gids.gid IS NOT NULL
  FROM log LEFT JOIN log AS target ON target.id = log.target
    LEFT JOIN gids ON gids.gid = log.gid AND gids.chat = log.chat AND gids.id = log.id
  ORDER BY log.chat, log.seq`

/** Rows that contradict the log, as clauses. */
const INDEX_FINDINGS: ReadonlyArray<string> = [
  `SELECT 'gids has a message ' || gids.id || ' of chat ' || gids.chat || ' with a gid that the log does not have'
    FROM gids LEFT JOIN log ON log.id = gids.id
    WHERE log.chat IS DISTINCT FROM gids.chat OR log.gid IS DISTINCT FROM gids.gid LIMIT ${MAX_FINDINGS}`,
  `SELECT 'several entries have the id ' || id FROM log GROUP BY id HAVING count(*) > 1 LIMIT ${MAX_FINDINGS}`,
  `SELECT 'the sequence entry_ids is at ' || last_value || ', and the log has an entry ' || newest
    FROM entry_ids, (SELECT coalesce(max(id), 0) AS newest FROM log) AS ends WHERE last_value < newest`
]

const HIDDEN = `SELECT hidden.member, hidden.message, log.kind FROM hidden_messages AS hidden
  LEFT JOIN log ON log.id = hidden.message`

let cursors = 0

/** Calls `use` with each row of `sql`. The transaction of the session has one cursor for each statement: a name has one type. */
const forEachRow = (
  session: Session,
  sql: string,
  use: (columns: Columns) => void,
  onPage: (rows: number) => void = () => {}
): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    const name = `verified_${++cursors}`
    yield* session.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${sql}`)
    for (;;) {
      const page = yield* session.query(`FETCH ${PAGE} FROM ${name}`)
      for (const row of page) use(new Columns(row))
      onPage(page.length)
      if (page.length < PAGE) break
    }
    yield* session.query(`CLOSE ${name}`)
  })

const verifyLog = Effect.fnUntraced(function* (
  session: Session,
  invariants: StoreInvariants
): Effect.fn.Return<void, SqlError> {
  const report = yield* Progress
  const total = (yield* session.query("SELECT count(*) FROM log"))[0]?.[0] as number
  let done = 0
  const onPage = (rows: number): void => report((done += rows), total)
  const onEntry = (row: Columns): void => {
    const entry = { id: row.int(), chat: row.int(), seq: row.int(), posted: row.int(), author: row.intOrNull() }
    const kind = row.text() as EntryBody["_tag"]
    const target = { target: row.intOrNull(), targetSeq: row.intOrNull(), targetKind: row.textOrNull() }
    const change = row.textOrNull()
    invariants.entry({
      ...entry,
      ...target,
      kind,
      change: change === null ? undefined : (JSON.parse(change) as object)
    })
    if (!row.bool()) invariants.report("indexes", `gids lacks message ${entry.id}`, { chat: entry.chat })
  }
  yield* forEachRow(session, ENTRIES, onEntry, onPage)
  yield* forEachRow(
    session,
    "SELECT chats.id, heads.seq, heads.posted FROM chats LEFT JOIN heads ON chat = id",
    (row) => {
      const [chat, seq, posted] = [row.int(), row.intOrNull(), row.intOrNull()]
      const end = invariants.logEnd(chat)
      if (seq === end.seq && posted === end.posted) return
      const text = `heads has sequence ${seq} and ${posted} messages, and the log ends at ${end.seq} with ${end.posted}`
      invariants.report("indexes", text, { chat })
    }
  )
  for (const sql of INDEX_FINDINGS) {
    yield* forEachRow(session, sql, (row) => invariants.report("indexes", row.text()))
  }
})

const verifyReferences = Effect.fnUntraced(function* (
  session: Session,
  invariants: StoreInvariants
): Effect.fn.Return<void, SqlError> {
  yield* forEachRow(session, "SELECT chat, member, join_seq FROM members", (row) =>
    invariants.member(row.int(), row.int(), row.int())
  )
  yield* forEachRow(session, "SELECT chat, member, device, pushed, delivered, acked, read FROM cursors", (row) =>
    invariants.cursor({
      chat: ChatId(row.int()),
      user: UserId(row.int()),
      device: row.text(),
      pushed: row.int(),
      delivered: row.int(),
      acked: row.json() as ReadonlyArray<number>,
      read: row.int()
    })
  )
  yield* forEachRow(session, "SELECT member FROM sessions", (row) => invariants.session(row.int()))
  yield* forEachRow(
    session,
    "SELECT chat, member FROM preferences",
    (row) => void invariants.refersTo("a preference", { chat: row.int(), user: row.int() })
  )
  yield* forEachRow(
    session,
    "SELECT id, chat, added_by FROM files",
    (row) => void invariants.refersTo(`file ${row.int()}`, { chat: row.int(), user: row.int() })
  )
  yield* forEachRow(session, HIDDEN, (row) => invariants.hidden(row.int(), row.int(), row.textOrNull()))
  yield* forEachRow(session, "SELECT id, since FROM users WHERE since <> '{}'", (row) =>
    invariants.since(row.int(), row.json() as Readonly<Record<string, number>>)
  )
})

const verifySession = Effect.fnUntraced(function* (
  session: Session
): Effect.fn.Return<Verification | string, SqlError> {
  const [tables] = yield* session.query("SELECT to_regclass('schema_version') IS NOT NULL")
  if (tables?.[0] !== true) return "it has no tables of Parley"
  const [row] = yield* session.query("SELECT version FROM schema_version")
  const version = row?.[0] as number
  if (!isUsable(version)) return versionProblem(version)
  yield* session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
  // A page may take longer to verify than a node may keep a transaction waiting.
  yield* session.query("SET LOCAL idle_in_transaction_session_timeout = 0")
  const invariants = new StoreInvariants()
  yield* forEachRow(session, "SELECT id FROM users", (user) => invariants.user(user.int()))
  yield* forEachRow(session, "SELECT id, name, public, owner, dissolved, created_by, edited_by FROM chats", (chat) =>
    invariants.chat({
      id: chat.int(),
      name: chat.text(),
      public: chat.bool(),
      owner: chat.intOrNull(),
      dissolved: chat.bool(),
      createdBy: chat.intOrNull(),
      editedBy: chat.intOrNull()
    })
  )
  yield* verifyLog(session, invariants)
  yield* verifyReferences(session, invariants)
  return invariants.finish()
})

/** Verifies the database on one snapshot. */
export const verifyDatabase = (options: OpenOptions): Effect.Effect<Verification, DatabaseError> =>
  Effect.flatMap(withSession(options, verifySession), (result) => {
    if (typeof result !== "string") return Effect.succeed(result)
    const database = describeUrl(options.url)
    return Effect.fail(
      new DatabaseError({ database, message: `The database ${database} cannot be verified: ${result}.` })
    )
  })

const STATE = `SELECT version, coalesce(newest.id, 0), coalesce(newest.at, 0) FROM schema_version
  LEFT JOIN (SELECT log.id, at FROM log ORDER BY log.id DESC LIMIT 1) AS newest ON true`
const TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, to_regclass('log') IS NOT NULL"

/** Returns the state of the database. */
export const inspectDatabase = (options: OpenOptions): Effect.Effect<DatabaseState, DatabaseError> =>
  withSession(
    options,
    Effect.fnUntraced(function* (session): Effect.fn.Return<DatabaseState, SqlError> {
      const now = new Columns((yield* session.query(TIME))[0] ?? [])
      const time = now.int()
      const state = new Columns(now.bool() ? ((yield* session.query(STATE))[0] ?? [0, 0, 0]) : [0, 0, 0])
      return { version: state.int(), supported: VERSION, newestId: state.int(), newestAt: state.int(), time }
    })
  )
