/** Addresses of the server: its WebSocket, and its HTTP for files. */
import { ParleyError } from "./ParleyError.ts"

export interface Address {
  readonly socket: string
  /** Without a slash at the end. */
  readonly http: string
}

/**
 * Accepts an address with `http`, `https`, `ws` or `wss`, with or without `/ws` at its end; throws `ParleyError` with
 * `connection` for any other.
 */
export const addressOf = (url: string): Address => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const secure = parsed?.protocol === "https:" || parsed?.protocol === "wss:"
  if (parsed === undefined || !(secure || parsed.protocol === "http:" || parsed.protocol === "ws:")) {
    throw new ParleyError("connection", `${url} is not an http, https, ws or wss URL`)
  }
  const rest = `//${parsed.host}${parsed.pathname.replace(/\/(ws\/?)?$/, "")}`
  return { socket: `${secure ? "wss" : "ws"}:${rest}/ws`, http: `${secure ? "https" : "http"}:${rest}` }
}
