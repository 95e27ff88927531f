/** Addresses of the server: its WebSocket, and its HTTP for files. */
import { ParleyError } from "./ParleyError.ts"

export interface Address {
  readonly socket: string
  /** Without a slash at the end. */
  readonly http: string
}

/** URL of the page, or of the worker's script; undefined outside of a browser. */
const pageUrl = (): string | undefined =>
  (globalThis as { readonly location?: { readonly href: string } }).location?.href

/**
 * Accepts an address with `http`, `https`, `ws` or `wss`, with or without `/ws` at its end, and in a page an address
 * relative to the page; throws `ParleyError` with `connection` for any other.
 */
export const addressOf = (url: string): Address => {
  const base = pageUrl()
  const parsed = URL.canParse(url, base) ? new URL(url, base) : undefined
  const secure = parsed?.protocol === "https:" || parsed?.protocol === "wss:"
  if (parsed === undefined || !(secure || parsed.protocol === "http:" || parsed.protocol === "ws:")) {
    const isRelative = url.startsWith("/") || url.startsWith(".")
    const hint = isRelative && base === undefined ? ": outside of a page it must have a scheme and a host" : ""
    throw new ParleyError("connection", `${url} is not an http, https, ws or wss URL${hint}`)
  }
  const rest = `//${parsed.host}${parsed.pathname.replace(/\/(ws\/?)?$/, "")}`
  return { socket: `${secure ? "wss" : "ws"}:${rest}/ws`, http: `${secure ? "https" : "http"}:${rest}` }
}
