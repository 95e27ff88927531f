/** Writes of sessions. */
import type { UserId } from "@parley/core/Ids"
import type { Write } from "@parley/core/Store"
import type { Statements } from "../Statements.ts"
import { noSuchUser } from "./users.ts"

/** Hashes of the sessions ended by a write. */
type Ended = ReadonlyArray<string>

type SaveSession = Extract<Write, { readonly _tag: "SaveSession" }>

/** Whether the user is disabled, or all their sessions have ended since the session was decided on. */
export const isSessionStale = (db: Statements, { epoch, session }: SaveSession): boolean => {
  const owner = db.one<{ disabled: number; session_epoch: number }>(
    "SELECT disabled, session_epoch FROM users WHERE id = ?",
    session.user
  )
  if (owner === undefined) return false
  return owner.disabled !== 0 || (epoch !== undefined && epoch !== owner.session_epoch)
}

export const saveSession = (db: Statements, write: SaveSession): Ended => {
  const { createdAt, device, hash, kind, usedAt, user } = write.session
  db.run(
    `INSERT INTO sessions (hash, user, kind, device, created_at, used_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET user = excluded.user, kind = excluded.kind, device = excluded.device,
       created_at = excluded.created_at, used_at = excluded.used_at`,
    hash,
    user,
    kind,
    device,
    createdAt,
    usedAt
  )
  if (write.keep === undefined) return []
  const ended = db.all<{ hash: string }>(
    `SELECT hash FROM sessions WHERE user = ? AND kind = ? AND hash <> ?
     ORDER BY used_at DESC, created_at DESC, hash LIMIT -1 OFFSET ?`,
    user,
    kind,
    hash,
    Math.max(write.keep - 1, 0)
  )
  for (const one of ended) db.run("DELETE FROM sessions WHERE hash = ?", one.hash)
  return ended.map((one) => one.hash)
}

export const touchSession = (db: Statements, hash: string, usedAt: number): void => {
  db.run("UPDATE sessions SET used_at = ? WHERE hash = ?", usedAt, hash)
}

/** Returns the user of the session, or undefined if there is none. */
export const endSession = (db: Statements, hash: string): UserId | undefined =>
  db.one<{ user: UserId }>("DELETE FROM sessions WHERE hash = ? RETURNING user", hash)?.user

export const endSessions = (db: Statements, user: UserId): Ended => {
  if (db.run("UPDATE users SET session_epoch = session_epoch + 1 WHERE id = ?", user) === 0) throw noSuchUser(user)
  const ended = db.all<{ hash: string }>(
    "SELECT hash FROM sessions WHERE user = ? ORDER BY used_at DESC, created_at DESC, hash",
    user
  )
  db.run("DELETE FROM sessions WHERE user = ?", user)
  return ended.map((one) => one.hash)
}
