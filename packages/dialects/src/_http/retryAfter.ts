/** The header of an answer by HTTP that asks the client to wait. */
import type { Reason } from "@parley/core/Refused"

/** `Retry-After` for a refusal that ends by itself after so many seconds; nothing for any other. */
export const retryAfter = (reason: Reason): Readonly<Record<string, string>> =>
  reason._tag === "RateLimited" || reason._tag === "TooManyAttempts"
    ? { "retry-after": String(reason.retryAfterSeconds) }
    : {}
