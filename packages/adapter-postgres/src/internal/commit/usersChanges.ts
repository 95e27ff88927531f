/** Writes of users and their sessions. */
import type { UserChange } from "@parley/core/User"
import type { Statement } from "../Session.ts"
import { bool, bools, int, ints, text, texts } from "../values.ts"
import type { Facts } from "./Facts.ts"

/** Columns of a user by the field that changes them. */
const USER_COLUMNS: Readonly<Record<keyof UserChange, string>> = {
  account: "account",
  realname: "realname",
  avatar: "avatar",
  role: "role",
  dept: "dept",
  admin: "admin",
  organisation: "organisation",
  disabled: "disabled",
  password: "password"
}

export const usersOf = ({ newUsers, users }: Facts): ReadonlyArray<Statement> => {
  const statements: Array<Statement> = []
  // Before new users: an account that was given up may be taken again.
  for (const [id, { change, epoch, isEpochMoved, settings }] of users) {
    const assignments: Array<string> = []
    const values = [int(id)]
    const set = (column: string, value: Statement[1][number]): void => {
      values.push(value)
      assignments.push(`${column} = $${values.length}`)
    }
    for (const [field, column] of Object.entries(USER_COLUMNS)) {
      const value = change[field as keyof UserChange]
      if (value === undefined) continue
      if (typeof value === "boolean") set(column, bool(value))
      else if (typeof value === "number" || field === "organisation") set(column, int(value as number | null))
      else set(column, text(value))
    }
    if (settings !== undefined) set("settings", text(settings))
    if (isEpochMoved) set("session_epoch", int(epoch))
    if (assignments.length > 0) statements.push([`UPDATE users SET ${assignments.join(", ")} WHERE id = $1`, values])
  }
  if (newUsers.length === 0) return statements
  const created = newUsers.map(({ user }) => user)
  statements.push([
    `INSERT INTO users (id, since, account, realname, avatar, role, dept, admin, organisation, disabled, created_at, password)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::boolean[],
       $9::bigint[], $10::boolean[], $11::bigint[], $12::text[])`,
    [
      ints(newUsers.map(({ id }) => id)),
      texts(newUsers.map(({ since }) => JSON.stringify(since))),
      texts(created.map(({ account }) => account)),
      texts(created.map(({ realname }) => realname)),
      texts(created.map(({ avatar }) => avatar)),
      texts(created.map(({ role }) => role)),
      ints(created.map(({ dept }) => dept)),
      bools(created.map(({ admin }) => admin)),
      ints(created.map(({ organisation }) => organisation)),
      bools(created.map(({ disabled }) => disabled)),
      ints(created.map(({ createdAt }) => createdAt)),
      texts(created.map(({ password }) => password))
    ]
  ])
  return statements
}

export const sessionsOf = ({ sessions }: Facts): ReadonlyArray<Statement> => {
  const statements: Array<Statement> = []
  const all = [...sessions].sort(([a], [b]) => (a < b ? -1 : 1))
  const gone = all.filter(([, { now, stored }]) => now === undefined && stored !== undefined).map(([hash]) => hash)
  if (gone.length > 0) statements.push(["DELETE FROM sessions WHERE hash = ANY ($1)", [texts(gone)]])
  const touched = all.flatMap(([, { isTouched, now }]) => (isTouched && now !== undefined ? [now] : []))
  if (touched.length > 0) {
    statements.push([
      `UPDATE sessions SET used_at = new.used_at FROM unnest($1::text[], $2::bigint[]) AS new (hash, used_at)
       WHERE sessions.hash = new.hash AND sessions.hash = ANY ($1)`,
      [texts(touched.map(({ hash }) => hash)), ints(touched.map(({ usedAt }) => usedAt))]
    ])
  }
  const saved = all.flatMap(([, { isTouched, now, stored }]) =>
    now !== undefined && now !== stored && !isTouched ? [now] : []
  )
  if (saved.length > 0) {
    statements.push([
      `INSERT INTO sessions (hash, member, kind, device, created_at, used_at)
       SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
       ON CONFLICT (hash) DO UPDATE SET member = excluded.member, kind = excluded.kind, device = excluded.device,
         created_at = excluded.created_at, used_at = excluded.used_at`,
      [
        texts(saved.map(({ hash }) => hash)),
        ints(saved.map(({ user }) => user)),
        texts(saved.map(({ kind }) => kind)),
        texts(saved.map(({ device }) => device)),
        ints(saved.map(({ createdAt }) => createdAt)),
        ints(saved.map(({ usedAt }) => usedAt))
      ]
    ])
  }
  return statements
}
