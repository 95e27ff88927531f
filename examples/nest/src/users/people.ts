/** This application's own users: a table with UUIDs, which the conversations read through `directory`. */
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from "node:crypto"
import { DatabaseSync } from "node:sqlite"
import type { DirectoryOption } from "@parley/adapter-node"

const database = new DatabaseSync(process.env["PEOPLE"] ?? ":memory:")
database.exec(
  "CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, login TEXT UNIQUE, name TEXT, salt BLOB, hash BLOB)"
)

const hashOf = (password: string, salt: Uint8Array): Buffer => scryptSync(password, salt, 32)

export const signUp = (login: string, name: string, password: string): void => {
  const salt = randomBytes(16)
  database
    .prepare("INSERT OR IGNORE INTO people VALUES (?, ?, ?, ?, ?)")
    .run(randomUUID(), login, name, salt, hashOf(password, salt))
}

/** Returns the user's id if the password is right. */
export const check = (login: string, password: string): string | undefined => {
  const found = database.prepare("SELECT id, salt, hash FROM people WHERE login = ?").get(login)
  if (!(found?.["salt"] instanceof Uint8Array) || !(found["hash"] instanceof Uint8Array)) return undefined
  return timingSafeEqual(found["hash"], hashOf(password, found["salt"])) ? String(found["id"]) : undefined
}

const select = (column: "id" | "login", keys: ReadonlyArray<string>) =>
  database
    .prepare(`SELECT id, login, name FROM people WHERE ${column} IN (SELECT value FROM json_each(?))`)
    .all(JSON.stringify(keys))
    .map(({ id, login, name }) => ({ id: String(id), account: String(login), realname: String(name) }))

export const directory: DirectoryOption = {
  find: (ids) => select("id", ids),
  findByAccount: (accounts) => select("login", accounts)
}
