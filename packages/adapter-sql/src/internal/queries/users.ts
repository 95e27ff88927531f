/** Queries of users, sessions and settings. */
import type { UserId } from "@parley/core/Ids"
import type { StoredSession } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import { session, user, userColumns, type SessionRow, type UserRow } from "../rows.ts"
import type { Statements } from "../Statements.ts"

export const users = (db: Statements, ids: ReadonlyArray<UserId>): ReadonlyArray<User> =>
  [...new Set(ids)].flatMap((id) => {
    const row = db.one<UserRow>(`SELECT ${userColumns} FROM users WHERE id = ?`, id)
    return row === undefined ? [] : [user(row)]
  })

export const usersByAccount = (db: Statements, accounts: ReadonlyArray<string>): ReadonlyArray<User> =>
  [...new Set(accounts)].flatMap((account) => {
    const row = db.one<UserRow>(`SELECT ${userColumns} FROM users WHERE account = ?`, account)
    return row === undefined ? [] : [user(row)]
  })

/** Users with an id above `after`, by id, at most `limit` of them. */
export const usersAfter = (db: Statements, after: number, limit: number): ReadonlyArray<User> =>
  db.all<UserRow>(`SELECT ${userColumns} FROM users WHERE id > ? ORDER BY id LIMIT ?`, after, limit).map(user)

export const password = (db: Statements, id: UserId): string | null =>
  db.one<{ password: string | null }>("SELECT password FROM users WHERE id = ?", id)?.password ?? null

export const settings = (db: Statements, id: UserId): string | null =>
  db.one<{ settings: string | null }>("SELECT settings FROM users WHERE id = ?", id)?.settings ?? null

export const sessionByHash = (db: Statements, hash: string): StoredSession | undefined => {
  const row = db.one<SessionRow>("SELECT * FROM sessions WHERE hash = ?", hash)
  return row === undefined ? undefined : session(row)
}

export const sessionEpoch = (db: Statements, id: UserId): number =>
  db.one<{ session_epoch: number }>("SELECT session_epoch FROM users WHERE id = ?", id)?.session_epoch ?? 0

export const sessionsOf = (db: Statements, id: UserId): ReadonlyArray<StoredSession> =>
  db.all<SessionRow>("SELECT * FROM sessions WHERE user = ? ORDER BY created_at, hash", id).map(session)
