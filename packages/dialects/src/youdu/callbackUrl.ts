/** URLs that receive the messages of an app's users, and the token that signs the requests to them. */

/** Receiver of the messages that users send to an app. */
export interface Callback {
  readonly url: string
  /** The callback's `Token`: a secret that signs its requests. */
  readonly token: string
}

/** Maximum lengths, in characters. */
const MAX_URL = 2048
const MAX_TOKEN = 128

/** A host without user and password, then a path or a query. A fragment would not be sent. */
const URL = /^https?:\/\/[^\s/?#@\\]+(?:[/?][^\s#\\]*)?$/i
const VISIBLE_ASCII = /^[\x21-\x7e]+$/

/** Returns why a callback is invalid, as a sentence for the operator without a full stop, or undefined. */
export const callbackProblem = ({ url, token }: Callback): string | undefined => {
  if (url.length > MAX_URL || !VISIBLE_ASCII.test(url) || !URL.test(url)) {
    return `callback must be an http or https URL of at most ${MAX_URL} characters, without user, password and fragment`
  }
  if (token.length > MAX_TOKEN || !VISIBLE_ASCII.test(token)) {
    return `callback-token must have 1 to ${MAX_TOKEN} visible ASCII characters`
  }
  return undefined
}

/** Returns the URL with further parameters, whose values need no encoding. */
export const withParameters = (url: string, parameters: Readonly<Record<string, string>>): string => {
  const added = Object.entries(parameters).map(([name, value]) => `${name}=${value}`)
  return `${url}${url.includes("?") ? "&" : "?"}${added.join("&")}`
}
