/** Verifies the tables of a database against each other. */
import { existsSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import type { EntryBody } from "@parley/core/Log"
import { Progress, type ReportProgress } from "@parley/core/Progress"
import { type DatabaseState, MAX_FINDINGS, StoreInvariants, type Verification } from "@parley/core/StoreInvariants"
import * as Effect from "effect/Effect"
import { DatabaseError } from "../DatabaseError.ts"
import { provideFingerprint } from "../log-index/GidIndex.ts"
import { type CursorRow, cursor, type SessionRow } from "../rows.ts"
import { APPLICATION, migrations, pragma } from "../schema.ts"
import { errorText } from "../sqliteError.ts"

/** Milliseconds to wait for a lock; in WAL mode only a recovery of the database holds one. */
const BUSY_TIMEOUT = 2_000
/** Entries between reports of progress. */
const REPORT_EVERY = 10_000

/** The subset of a row of `chats` that is compared with the log. */
type ChatRow = {
  readonly id: number
  readonly name: string
  readonly public: number
  readonly owner: number | null
  readonly dissolved: number
  readonly created_by: number | null
  readonly edited_by: number | null
}

const ENTRIES = `SELECT log.id, log.chat, log.seq, log.posted, log.author, log.kind, log.target,
    target.seq AS target_seq, target.kind AS target_kind, CASE log.kind WHEN 'Changed' THEN log.content END AS change,
    place.id AS place
  FROM log LEFT JOIN log AS target ON target.id = log.target AND target.chat = log.chat
    LEFT JOIN log_by_chat AS place ON place.chat = log.chat AND place.seq = log.seq
  ORDER BY log.id`

type EntryRow = {
  readonly id: number
  readonly chat: number
  readonly seq: number
  readonly posted: number
  readonly author: number | null
  readonly kind: EntryBody["_tag"]
  readonly target: number | null
  readonly target_seq: number | null
  readonly target_kind: string | null
  readonly change: string | null
  readonly place: number | null
}

/** Rows that the indexes have too many or too few, as clauses. `?` is the limit. */
const INDEX_FINDINGS: ReadonlyArray<string> = [
  `SELECT 'log_by_chat has entry ' || id || ' at ' || chat || '/' || seq || ', and the log does not' AS text FROM log_by_chat AS place
    WHERE NOT EXISTS (SELECT 1 FROM log WHERE log.id = place.id AND log.chat = place.chat AND log.seq = place.seq
      AND log.id <= (SELECT upto FROM log_indexed)) LIMIT ?`,
  `SELECT 'log_by_gid has entry ' || id || ' for another gid' AS text FROM log_by_gid AS print
    WHERE NOT EXISTS (SELECT 1 FROM log WHERE log.id = print.id AND gid IS NOT NULL
      AND fingerprint(gid) = print.fingerprint) LIMIT ?`,
  `SELECT 'log_by_gid lacks message ' || id AS text FROM log
    WHERE gid IS NOT NULL AND id <= (SELECT gids FROM log_indexed)
      AND NOT EXISTS (SELECT 1 FROM log_by_gid AS print WHERE print.fingerprint = fingerprint(log.gid) AND print.id = log.id)
    LIMIT ?`,
  `SELECT 'log_indexed ends at ' || max(upto, gids) || ', and the log at ' || newest AS text
    FROM log_indexed, (SELECT coalesce(max(id), 0) AS newest FROM log) WHERE max(upto, gids) > newest LIMIT ?`,
  `SELECT 'log_indexed has ' || count(*) || ' rows instead of one' AS text FROM log_indexed HAVING count(*) <> 1 LIMIT ?`
]

const DUPLICATES = "SELECT gid FROM log WHERE gid IS NOT NULL GROUP BY gid HAVING count(*) > 1 LIMIT ?"

/** Rows of `sql`, read one by one. */
const rows = <Row>(database: DatabaseSync, sql: string): Iterable<Row> =>
  database.prepare(sql).iterate() as Iterable<unknown> as Iterable<Row>

const verifyLog = (database: DatabaseSync, invariants: StoreInvariants, report: ReportProgress): void => {
  const total = Number(database.prepare("SELECT count(*) AS entries FROM log").get()?.["entries"] ?? 0)
  const upto = Number(database.prepare("SELECT upto FROM log_indexed").get()?.["upto"] ?? 0)
  let done = 0
  for (const row of rows<EntryRow>(database, ENTRIES)) {
    const { change, place, target_kind: targetKind, target_seq: targetSeq, ...entry } = row
    invariants.entry({
      ...entry,
      targetKind,
      targetSeq,
      change: change === null ? undefined : (JSON.parse(change) as object)
    })
    if (entry.id <= upto && place !== entry.id) {
      invariants.report("indexes", `log_by_chat lacks entry ${entry.id} with sequence ${entry.seq}`, {
        chat: entry.chat
      })
    }
    if (++done % REPORT_EVERY === 0) report(done, total)
  }
}

const verifyIndexes = (database: DatabaseSync, invariants: StoreInvariants): void => {
  for (const sql of INDEX_FINDINGS) {
    for (const row of database.prepare(sql).all(MAX_FINDINGS)) invariants.report("indexes", String(row["text"]))
  }
  for (const row of database.prepare(DUPLICATES).all(MAX_FINDINGS)) {
    invariants.report("log", `several messages have the gid ${String(row["gid"])}`)
  }
}

const verifyReferences = (database: DatabaseSync, invariants: StoreInvariants): void => {
  type Pair = { readonly chat: number; readonly user: number }
  for (const row of rows<Pair & { readonly join_seq: number }>(database, "SELECT chat, user, join_seq FROM members")) {
    invariants.member(row.chat, row.user, row.join_seq)
  }
  for (const row of rows<CursorRow>(database, "SELECT * FROM places")) invariants.cursor(cursor(row))
  for (const row of rows<SessionRow>(database, "SELECT user FROM sessions")) invariants.session(row.user)
  for (const row of rows<Pair>(database, "SELECT chat, user FROM preferences")) {
    invariants.refersTo("a preference", { chat: row.chat, user: row.user })
  }
  for (const row of rows<Pair & { readonly id: number }>(database, "SELECT id, chat, added_by AS user FROM files")) {
    invariants.refersTo(`file ${row.id}`, { chat: row.chat, user: row.user })
  }
  const HIDDEN = `SELECT hidden.user, hidden.message, log.kind FROM hidden_messages AS hidden
    LEFT JOIN log ON log.id = hidden.message`
  for (const row of rows<{ user: number; message: number; kind: string | null }>(database, HIDDEN)) {
    invariants.hidden(row.user, row.message, row.kind)
  }
  for (const row of rows<{ id: number; since: string }>(database, "SELECT id, since FROM users WHERE since <> '{}'")) {
    invariants.since(row.id, JSON.parse(row.since) as Readonly<Record<string, number>>)
  }
}

const verifyOpen = (database: DatabaseSync, report: ReportProgress): Verification => {
  const invariants = new StoreInvariants()
  for (const row of database.prepare(`PRAGMA integrity_check(${MAX_FINDINGS})`).all()) {
    const text = String(row["integrity_check"])
    if (text !== "ok") invariants.report("file", text)
  }
  for (const { id } of rows<{ id: number }>(database, "SELECT id FROM users")) invariants.user(id)
  const CHATS = "SELECT id, name, public, owner, dissolved, created_by, edited_by FROM chats"
  for (const { created_by: createdBy, edited_by: editedBy, ...row } of rows<ChatRow>(database, CHATS)) {
    invariants.chat({ ...row, createdBy, editedBy, public: row.public === 1, dissolved: row.dissolved === 1 })
  }
  verifyLog(database, invariants, report)
  verifyIndexes(database, invariants)
  verifyReferences(database, invariants)
  return invariants.finish()
}

/** Runs `use` on a snapshot of the database `file`, which is only read. */
const onSnapshot = <A>(
  file: string,
  verb: string,
  use: (database: DatabaseSync, version: number) => A
): Effect.Effect<A, DatabaseError> =>
  Effect.try({
    try: () => {
      if (!existsSync(file)) throw new Error("there is no such file")
      const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT })
      try {
        database.exec("BEGIN")
        const version = pragma(database, "user_version")
        if (pragma(database, "application_id") !== APPLICATION) throw new Error("it is not a database of Parley")
        return use(database, version)
      } finally {
        database.close()
      }
    },
    catch: (cause) =>
      new DatabaseError({ file, message: `The database ${file} cannot be ${verb}: ${errorText(cause)}.` })
  })

/** Verifies the database `file` on one snapshot. */
export const verifyDatabase = (file: string): Effect.Effect<Verification, DatabaseError> =>
  Effect.flatMap(Progress, (report) =>
    onSnapshot(file, "verified", (database, version) => {
      if (version !== migrations.length) {
        throw new Error(`it has version ${version}, and this Parley verifies version ${migrations.length}`)
      }
      provideFingerprint(database)
      return verifyOpen(database, report)
    })
  )

/** Returns the state of the database `file`. The table `log` has had these columns since version 1. */
export const inspectDatabase = (file: string): Effect.Effect<DatabaseState, DatabaseError> =>
  onSnapshot(file, "read", (database, version) => {
    const newest = database.prepare("SELECT id, at FROM log ORDER BY id DESC LIMIT 1").get()
    const [newestId, newestAt] = [Number(newest?.["id"] ?? 0), Number(newest?.["at"] ?? 0)]
    return { version, supported: migrations.length, newestId, newestAt, time: null }
  })
