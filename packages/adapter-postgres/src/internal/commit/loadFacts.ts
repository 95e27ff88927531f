/** Loads and locks the facts of a transaction, in one round trip. */
import type { Member } from "@parley/core/Chat"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import {
  chat,
  chatColumns,
  cursor,
  cursorColumns,
  preference,
  preferenceColumns,
  record,
  recordColumns,
  session,
  sessionColumns
} from "../rows.ts"
import type { Session, Statement } from "../Session.ts"
import { Columns, int, ints, texts, type Row } from "../values.ts"
import { Facts, type DrawnIds } from "./Facts.ts"
import { keyOf, type Needs } from "./Needs.ts"

/** Locks rows in one order: heads by chat, users by id, and each further table by its key. So no two transactions wait for each other. */
const HEADS =
  "SELECT chat, version, seq, posted, active_at FROM heads WHERE chat = ANY ($1) ORDER BY chat FOR NO KEY UPDATE"
const USERS = "SELECT id, account, disabled, session_epoch FROM users WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE"
const CHANGED = `SELECT ${chatColumns} FROM chats JOIN heads ON heads.chat = chats.id WHERE chats.id = ANY ($1) AND heads.chat = ANY ($1)`
const SYSTEM_CHATS = `SELECT id, (SELECT seq FROM heads WHERE heads.chat = chats.id) FROM chats
  WHERE type = 'system' AND NOT dissolved`
const MEMBERS =
  "SELECT member, joined_at, join_seq FROM members WHERE chat = $1 AND member = ANY ($2) ORDER BY join_seq, nth"
const MESSAGES = `SELECT id, chat, (SELECT max(later.id) FROM log AS later WHERE later.chat = log.chat AND later.target = log.id)
  FROM log WHERE id = ANY ($1) AND kind = 'Posted'`
const RECORDS = `SELECT found.* FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (dialect, kind, key) CROSS JOIN LATERAL (
    SELECT ${recordColumns} FROM records
    WHERE records.dialect = wanted.dialect AND records.kind = wanted.kind AND records.key = wanted.key FOR UPDATE
  ) AS found`
const PREFERENCES = `SELECT found.* FROM unnest($1::bigint[], $2::bigint[]) AS wanted (member, chat) CROSS JOIN LATERAL (
    SELECT ${preferenceColumns} FROM preferences
    WHERE preferences.member = wanted.member AND preferences.chat = wanted.chat FOR NO KEY UPDATE
  ) AS found`
const CURSORS = `SELECT found.* FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS wanted (chat, member, device) CROSS JOIN LATERAL (
    SELECT ${cursorColumns} FROM cursors
    WHERE cursors.chat = wanted.chat AND cursors.member = wanted.member AND cursors.device = wanted.device FOR NO KEY UPDATE
  ) AS found`
const SESSIONS = `SELECT ${sessionColumns} FROM sessions WHERE hash = ANY ($1) OR member = ANY ($2) ORDER BY hash FOR UPDATE`

const sortedKeys = <A>(keys: ReadonlyMap<string, A>): ReadonlyArray<A> =>
  [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)

/** Statements with what takes their rows. */
class Loading {
  readonly statements: Array<Statement> = []
  readonly #takers: Array<(row: Row) => void> = []

  /** Adds a statement, unless there is nothing to look up. */
  add(count: number, sql: string, parameters: Statement[1], take: (row: Row) => void): void {
    if (count === 0) return
    this.statements.push([sql, parameters])
    this.#takers.push(take)
  }

  take(results: ReadonlyArray<ReadonlyArray<Row>>): void {
    for (const [index, rows] of results.entries()) for (const row of rows) this.#takers[index]?.(row)
  }
}

const draw = (loading: Loading, ids: Needs["newIds"], drawn: DrawnIds): void => {
  const add = (kind: keyof DrawnIds, sequence: string): void =>
    loading.add(
      ids[kind],
      `SELECT nextval('${sequence}') FROM generate_series(1, $1::bigint)`,
      [int(ids[kind])],
      ([id]) => drawn[kind].push(id as number)
    )
  add("entries", "entry_ids")
  add("chats", "chat_ids")
  add("users", "user_ids")
  add("files", "file_ids")
}

/** Begins a transaction and returns the facts. */
export const loadFacts = (needs: Needs, connection: Session): Effect.Effect<Facts, SqlError> => {
  const facts = new Facts()
  const loading = new Loading()
  loading.add(1, "BEGIN", [], () => {})
  loading.add(needs.heads.size, HEADS, [ints([...needs.heads])], (row) => {
    const columns = new Columns(row)
    const id = ChatId(columns.int())
    const [version, seq, posted, activeAt] = [columns.int(), columns.int(), columns.int(), columns.int()]
    facts.heads.set(id, { version, seq, posted, activeAt, isMoved: false })
  })
  loading.add(needs.lockedUsers.size, USERS, [ints([...needs.lockedUsers])], (row) => {
    const columns = new Columns(row)
    const id = UserId(columns.int())
    const account = columns.text()
    facts.users.set(id, {
      stored: { account },
      disabled: columns.bool(),
      epoch: columns.int(),
      isEpochMoved: false,
      change: {},
      settings: undefined
    })
    facts.accounts.set(account, id)
  })
  loadRows(needs, facts, loading)
  loadKeys(needs, facts, loading)
  // After the heads are locked: ids of a chat's entries rise.
  loading.add(1, "SELECT pg_current_xact_id()::text", [], ([id]) => (facts.transaction = id as string))
  loading.add(needs.newIds.users, SYSTEM_CHATS, [], ([id, seq]) =>
    facts.systemChats.set(ChatId(id as number), seq as number)
  )
  draw(loading, needs.newIds, facts.ids)
  return Effect.map(connection.pipeline(loading.statements), (results) => {
    loading.take(results)
    return facts
  })
}

/** Rows that the transaction may change, locked. */
const loadRows = (needs: Needs, facts: Facts, loading: Loading): void => {
  const preferences = sortedKeys(needs.preferences)
  loading.add(
    preferences.length,
    PREFERENCES,
    [ints(preferences.map(([user]) => user)), ints(preferences.map(([, chat]) => chat))],
    (row) => {
      const stored = preference(row)
      facts.preferences.set(keyOf(stored.user, stored.chat), { stored, now: stored })
    }
  )
  const cursors = sortedKeys(needs.cursors)
  loading.add(
    cursors.length,
    CURSORS,
    [
      ints(cursors.map(([chat]) => chat)),
      ints(cursors.map(([, user]) => user)),
      texts(cursors.map(([, , device]) => device))
    ],
    (row) => {
      const stored = cursor(row)
      facts.cursors.set(keyOf(stored.chat, stored.user, stored.device), { stored, now: stored })
    }
  )
  loading.add(
    needs.sessions.size + needs.sessionsOf.size,
    SESSIONS,
    [texts([...needs.sessions]), ints([...needs.sessionsOf])],
    (row) => {
      const stored = session(row)
      facts.sessions.set(stored.hash, { stored, now: stored, isTouched: false })
    }
  )
  const records = sortedKeys(needs.records)
  loading.add(
    records.length,
    RECORDS,
    [
      texts(records.map(([dialect]) => dialect)),
      texts(records.map(([, kind]) => kind)),
      texts(records.map(([, , key]) => key))
    ],
    (row) => {
      const { dialect, key, kind, value } = record(row)
      facts.records.set(keyOf(dialect, kind, key), { stored: value, now: value, isGuarded: false, isWritten: false })
    }
  )
}

/** Rows that a batch refers to, and unique keys that exist. */
const loadKeys = (needs: Needs, facts: Facts, loading: Loading): void => {
  const members = new Map<ChatId, Map<UserId, Member>>()
  loading.add(needs.changed.size, CHANGED, [ints([...needs.changed.keys()])], (row) => {
    const present = new Map<UserId, Member>()
    const stored = chat(row, present)
    members.set(stored.id, present)
    facts.chats.set(stored.id, { stored, now: stored })
  })
  for (const [id, concerned] of needs.changed) {
    loading.add(concerned.size, MEMBERS, [int(id), ints([...concerned])], (row) => {
      const columns = new Columns(row)
      const user = UserId(columns.int())
      members.get(id)?.set(user, { user, joinedAt: columns.int(), joinSeq: columns.int() })
    })
  }
  loading.add(needs.chats.size, "SELECT chat FROM heads WHERE chat = ANY ($1)", [ints([...needs.chats])], ([id]) =>
    facts.knownChats.add(ChatId(id as number))
  )
  loading.add(
    needs.users.size,
    "SELECT id, disabled FROM users WHERE id = ANY ($1)",
    [ints([...needs.users])],
    (row) => {
      const columns = new Columns(row)
      facts.knownUsers.set(UserId(columns.int()), columns.bool())
    }
  )
  loading.add(needs.messages.size, MESSAGES, [ints([...needs.messages])], (row) => {
    const columns = new Columns(row)
    const id = EntryId(columns.int())
    facts.messages.set(id, { chat: ChatId(columns.int()), revision: EntryId(columns.intOrNull() ?? id) })
  })
  loading.add(needs.gids.size, "SELECT gid FROM gids WHERE gid = ANY ($1)", [texts([...needs.gids])], (row) =>
    facts.takenGids.add(new Columns(row).text())
  )
  loading.add(needs.chatGids.size, "SELECT gid FROM chats WHERE gid = ANY ($1)", [texts([...needs.chatGids])], (row) =>
    facts.takenChatGids.add(new Columns(row).text())
  )
  loading.add(
    needs.accounts.size,
    "SELECT account, id FROM users WHERE account = ANY ($1)",
    [texts([...needs.accounts])],
    (row) => {
      const columns = new Columns(row)
      facts.accounts.set(columns.text(), UserId(columns.int()))
    }
  )
}
