/** Queries of users, sessions and settings. */
import type { UserId } from "@parley/core/Ids"
import type { StoredSession } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { Reader } from "../Reader.ts"
import { session, sessionColumns, user, userColumns } from "../rows.ts"
import { Columns, int, ints, text, texts } from "../values.ts"

/** Users per page when all are read. */
const USERS_PER_PAGE = 2_000

const BY_ID = `SELECT ${userColumns} FROM users WHERE id = ANY ($1)`
const BY_ACCOUNT = `SELECT ${userColumns} FROM users WHERE account = ANY ($1)`
const AFTER = `SELECT ${userColumns} FROM users WHERE id > $1 ORDER BY id LIMIT $2`

export const userQueries = (read: Reader) => ({
  users: (ids: ReadonlyArray<UserId>) => read.all("users", user, BY_ID, ids, [ints(ids)]),
  usersByAccount: (accounts: ReadonlyArray<string>) =>
    read.all("usersByAccount", user, BY_ACCOUNT, accounts, [texts(accounts)]),
  /** Reads pages. Users are never removed, so none is missed. */
  allUsers: Effect.gen(function* () {
    const users: Array<User> = []
    for (;;) {
      const after = int(users.at(-1)?.id ?? 0)
      const page = yield* read.rows("allUsers", AFTER, [after, int(USERS_PER_PAGE)])
      for (const row of page) users.push(user(row))
      if (page.length < USERS_PER_PAGE) return users
    }
  }),
  password: (id: UserId) =>
    Effect.map(read.rows("password", "SELECT password FROM users WHERE id = $1", [int(id)]), ([row]) =>
      row === undefined ? null : new Columns(row).textOrNull()
    ),
  settings: (id: UserId) =>
    Effect.map(read.rows("settings", "SELECT settings FROM users WHERE id = $1", [int(id)]), ([row]) =>
      row === undefined ? null : new Columns(row).textOrNull()
    ),
  session: (hash: string) =>
    read.first("session", session, `SELECT ${sessionColumns} FROM sessions WHERE hash = $1`, [text(hash)]),
  sessionsOf: (id: UserId) =>
    Effect.map(
      read.rows("sessionsOf", `SELECT ${sessionColumns} FROM sessions WHERE member = $1 ORDER BY created_at, hash`, [
        int(id)
      ]),
      (rows): ReadonlyArray<StoredSession> => rows.map(session)
    ),
  sessionEpoch: (id: UserId) =>
    Effect.map(read.rows("sessionEpoch", "SELECT session_epoch FROM users WHERE id = $1", [int(id)]), ([row]) =>
      row === undefined ? 0 : new Columns(row).int()
    )
})
