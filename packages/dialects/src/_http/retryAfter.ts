/** The `Retry-After` header of HTTP responses. */
import type { Reason } from "@parley/core/Refused"

/** Returns `Retry-After` for refusals that expire after a number of seconds, no header for others. */
export const retryAfter = (reason: Reason): Readonly<Record<string, string>> =>
  reason._tag === "RateLimited" || reason._tag === "TooManyAttempts"
    ? { "retry-after": String(reason.retryAfterSeconds) }
    : {}
