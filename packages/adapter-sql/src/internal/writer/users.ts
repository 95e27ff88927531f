/** Writes of users and settings. */
import type { UserId } from "@parley/core/Ids"
import type { NewUser, User, UserChange } from "@parley/core/User"
import { flag } from "../rows.ts"
import type { Statements } from "../Statements.ts"

export const noSuchUser = (user: UserId): Error => new Error(`there is no user ${user}`)

/** Returns the id of the user; `since` as in `User`. */
export const createUser = (db: Statements, user: NewUser, since: User["since"]): number =>
  db.insert(
    `INSERT INTO users (account, realname, avatar, role, dept, admin, organisation, disabled, created_at, since, password)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    user.account,
    user.realname,
    user.avatar,
    user.role,
    user.dept,
    flag(user.admin),
    user.organisation,
    flag(user.disabled),
    user.createdAt,
    JSON.stringify(since),
    user.password
  )

export const changeUser = (db: Statements, user: UserId, change: UserChange): void => {
  const columns: Array<string> = []
  const values: Array<string | number | null> = []
  const set = (column: string, value: string | number | boolean | null | undefined): void => {
    if (value === undefined) return
    columns.push(`${column} = ?`)
    values.push(typeof value === "boolean" ? flag(value) : value)
  }
  set("account", change.account)
  set("realname", change.realname)
  set("avatar", change.avatar)
  set("role", change.role)
  set("dept", change.dept)
  set("admin", change.admin)
  set("organisation", change.organisation)
  set("disabled", change.disabled)
  set("password", change.password)
  const sql = `UPDATE users SET ${["id = id", ...columns].join(", ")} WHERE id = ?`
  if (db.run(sql, ...values, user) === 0) throw noSuchUser(user)
}

export const saveSettings = (db: Statements, user: UserId, settings: string): void => {
  if (db.run("UPDATE users SET settings = ? WHERE id = ?", settings, user) === 0) throw noSuchUser(user)
}
