/** Sessions of this application: a signed cookie with the user's id. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"

// Route handlers are bundled apart from the server, and share its process.
const secret = (globalThis.secret ??= process.env.SECRET ?? randomBytes(32).toString("hex"))

const signatureOf = (user) => createHmac("sha256", secret).update(user).digest("base64url")

export const sign = (user) => `${user}.${signatureOf(user)}`

/** Returns the user of a `Cookie` header, or undefined. */
export const userOf = (header = "") => {
  const [, user = "", signature = ""] = /(?:^|; )session=([^.;]+)\.([\w-]+)/.exec(header) ?? []
  const [given, right] = [Buffer.from(signature), Buffer.from(signatureOf(user))]
  return given.length === right.length && timingSafeEqual(given, right) ? user : undefined
}
