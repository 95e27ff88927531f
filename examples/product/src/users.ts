/** The product's users, who belong to companies. Parley reads them through `directory`, and copies nothing but their ids. */
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from "node:crypto"
import type { DirectoryOption } from "@parley/adapter-node"
import { marks, query } from "./database.ts"

await query(
  `CREATE TABLE IF NOT EXISTS users
     (id TEXT PRIMARY KEY, company INTEGER NOT NULL, login TEXT UNIQUE NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL)`
)

const hashOf = (password: string, salt: string): Buffer => scryptSync(password, salt, 32)

export const addUser = async (company: number, login: string, name: string, password: string): Promise<void> => {
  const salt = randomBytes(16).toString("hex")
  const stored = `${salt}:${hashOf(password, salt).toString("hex")}`
  await query(
    "INSERT INTO users VALUES (?, ?, ?, ?, ?) ON CONFLICT (login) DO NOTHING",
    randomUUID(),
    company,
    login,
    name,
    stored
  )
}

/** Returns the id of the user if the password is right. */
export const checkPassword = async (login: string, password: string): Promise<string | undefined> => {
  const [user] = await query("SELECT id, password FROM users WHERE login = ?", login)
  if (user === undefined) return undefined
  const [salt = "", hash = ""] = String(user["password"]).split(":")
  return timingSafeEqual(hashOf(password, salt), Buffer.from(hash, "hex")) ? String(user["id"]) : undefined
}

const select = async (condition: string, values: ReadonlyArray<string>) =>
  (await query(`SELECT id, login, name, company FROM users ${condition}`, ...values)).map((row) => ({
    id: String(row["id"]),
    account: String(row["login"]),
    realname: String(row["name"]),
    organisation: Number(row["company"])
  }))

export const directory: DirectoryOption = {
  find: (ids) => select(`WHERE id IN (${marks(ids)})`, ids),
  findByAccount: (logins) => select(`WHERE login IN (${marks(logins)})`, logins),
  list: () => select("", [])
}
