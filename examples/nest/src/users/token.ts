/** This application's own sessions: a JWT in a header of its own, or in the URL of a WebSocket. */
import { randomBytes } from "node:crypto"
import { jwtVerify, SignJWT } from "jose"

const secret = process.env["SECRET"] === undefined ? randomBytes(32) : new TextEncoder().encode(process.env["SECRET"])

export const sign = (user: string): Promise<string> =>
  new SignJWT().setProtectedHeader({ alg: "HS256" }).setSubject(user).setExpirationTime("12h").sign(secret)

/** Returns the user of a token; undefined without one, and for a token that is not ours or has expired. */
export const verify = async (token: string | undefined): Promise<string | undefined> => {
  if (token === undefined) return undefined
  const verified = await jwtVerify(token, secret, { algorithms: ["HS256"] }).catch(() => undefined)
  return verified?.payload.sub
}
