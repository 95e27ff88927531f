/** The product's own sessions: a random token in a cookie, its hash in the database. */
import { createHash, randomBytes } from "node:crypto"
import { parseHeader } from "effect/http/Cookies"
import { query } from "./database.ts"

const LIFETIME = 30 * 24 * 60 * 60 * 1000

await query(
  "CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, expires BIGINT NOT NULL)"
)

const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex")
const tokenIn = (cookie: string | undefined): string => parseHeader(cookie ?? "")["session"] ?? ""

/** Returns the `Set-Cookie` header of a new session. `secure` for a page that is served by HTTPS. */
export const startSession = async (user: string, secure: boolean): Promise<string> => {
  const token = randomBytes(32).toString("base64url")
  await query("INSERT INTO sessions VALUES (?, ?, ?)", hashOf(token), user, Date.now() + LIFETIME)
  return `session=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${LIFETIME / 1000}${secure ? "; Secure" : ""}`
}

/** Returns the user of a `Cookie` header. */
export const userOf = async (cookie: string | undefined): Promise<string | undefined> => {
  const [session] = await query(
    "SELECT user_id FROM sessions WHERE hash = ? AND expires > ?",
    hashOf(tokenIn(cookie)),
    Date.now()
  )
  return session === undefined ? undefined : String(session["user_id"])
}

export const endSession = (cookie: string | undefined): Promise<unknown> =>
  query("DELETE FROM sessions WHERE hash = ?", hashOf(tokenIn(cookie)))
