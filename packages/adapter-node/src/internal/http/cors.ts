/**
 * Pages of other origins that may read what this server answers (CORS): those among `Authenticator.origins`, the same that
 * may act for their users and open WebSockets. Each is matched exactly; without any, no header is added.
 */
import type { Authenticator } from "@parley/core/Authenticator"

/** Headers of an answer that pages may read beside those that every page may. */
const EXPOSED = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After"

/** Seconds for which a browser remembers the answer to a preflight. */
const MAX_AGE = 600

type Headers = Readonly<Record<string, string>>

const NONE: Headers = {}

/** The headers of every answer to a request with this `Origin`. */
export const corsHeaders = (origin: string | undefined, { origins = [] }: Authenticator): Headers => {
  if (origins.length === 0) return NONE
  if (origin === undefined || (origins !== "any" && !origins.includes(origin))) return { vary: "Origin" }
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": EXPOSED
  }
}

/** The method that a preflight asks about; undefined for what is no preflight. */
export const preflightMethod = (method: string | undefined, header: (name: string) => string | undefined) =>
  method === "OPTIONS" && header("origin") !== undefined ? header("access-control-request-method") : undefined

/** The headers of the answer to a preflight; undefined where the origin is not allowed. */
export const preflightHeaders = (
  header: (name: string) => string | undefined,
  authenticator: Authenticator
): Headers | undefined => {
  const allowed = corsHeaders(header("origin"), authenticator)
  if (allowed["access-control-allow-origin"] === undefined) return undefined
  return {
    ...allowed,
    vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    "access-control-allow-methods": header("access-control-request-method") ?? "",
    "access-control-allow-headers": header("access-control-request-headers") ?? "",
    "access-control-max-age": String(MAX_AGE)
  }
}
