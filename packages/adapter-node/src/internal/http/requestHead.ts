/** Target and headers of a request. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http"

/** Returns a target without its query. */
export const pathOf = (target: string): string => {
  const end = target.search(/[?#]/)
  return end < 0 ? target : target.slice(0, end)
}

/** Returns path and query of a request line's URL, which may be absolute. */
export const targetOf = (url: string): string => {
  if (url.startsWith("/") || !URL.canParse(url)) return url
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** Node joins several of these headers, in their order. */
export const forwardedFor = ({ headers }: IncomingMessage): string => String(headers["x-forwarded-for"] ?? "")

export type HeaderOf = (name: string) => string | undefined

export const headerOf =
  (headers: IncomingHttpHeaders): HeaderOf =>
  (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value[0] : value
  }
