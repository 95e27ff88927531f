/**
 * CORS headers for `Authenticator.origins`, the origins that may also act for their users and open WebSockets. Origins are
 * matched exactly; without any, no header is added.
 */
import type { Authenticator } from "@parley/core/Authenticator"
import { allowsOrigin } from "@parley/core/Origins"

/** Response headers exposed to pages, beside the safelisted ones. */
const EXPOSED = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After"

/** Seconds for which a browser caches a preflight. */
const MAX_AGE = 600

type Headers = Readonly<Record<string, string>>

const NONE: Headers = {}

/** Returns the headers of responses to requests with this `Origin`. */
export const corsHeaders = (origin: string | undefined, { origins = [] }: Authenticator): Headers => {
  if (origins.length === 0) return NONE
  if (origin === undefined || !allowsOrigin(origins, origin)) return { vary: "Origin" }
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": EXPOSED
  }
}

/** Returns the requested method of a preflight; undefined for other requests. */
export const preflightMethod = (method: string | undefined, header: (name: string) => string | undefined) =>
  method === "OPTIONS" && header("origin") !== undefined ? header("access-control-request-method") : undefined

/** Returns the headers of the response to a preflight; undefined if the origin is not allowed. */
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
