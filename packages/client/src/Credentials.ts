/** Credentials of a client, and the expected kind of them for a refused login. */

/**
 * Credentials of a client: an account and its password, or a one-time token in place of the password; or a session token, as
 * `openSession` and `POST /auth/login` return it, where a function is called again when its token is refused; or none: the
 * server's `authenticate` then recognises the application's own session, by the cookies of the page.
 */
export type Credentials =
  /** The account, and its password or a one-time token. */
  | { readonly account: string; readonly password: string; readonly token?: undefined }
  /** A session token, or a function that returns one. */
  | {
      readonly token: string | (() => string | Promise<string>)
      readonly account?: undefined
      readonly password?: undefined
    }
  /** The session of the page. */
  | { readonly account?: undefined; readonly password?: undefined; readonly token?: undefined }

/** A JSON Web Token. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/
/** Session tokens and one-time tokens of Parley look the same. */
const PARLEY_TOKEN = /^[\w-]{43}$/

const JWT_HINT = " A JWT is for the server's `authenticate`: leave it out."

/** Returns a sentence to add to the refusal, with a space before it; "" if the kind of the credentials may be right. */
export const credentialsHint = ({ password, token }: Credentials): string => {
  if (token !== undefined) {
    if (typeof token !== "string") return ""
    return JWT.test(token) ? JWT_HINT : " `token` is a session token; a one-time token is a `password`."
  }
  if (password === undefined) return " The server's `authenticate` recognised no session of this page."
  if (JWT.test(password)) return JWT_HINT
  return PARLEY_TOKEN.test(password) ? " A one-time token is valid once; a session token is a `token`." : ""
}
