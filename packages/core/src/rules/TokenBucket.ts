/**
 * A token bucket that may be overdrawn: a single request is never too large, and its debt is repaid before the next
 * one.
 */

export interface Rate {
  /** Tokens refilled per second. */
  readonly perSecond: number
  /** Capacity in tokens. */
  readonly burst: number
}

export interface Bucket {
  /** Negative while overdrawn. */
  tokens: number
  /** When `tokens` was computed; milliseconds since 1970. */
  at: number
}

export const fullBucket = ({ burst }: Rate, now: number): Bucket => ({ tokens: burst, at: now })

/** Refills the bucket for the elapsed time. A clock that is set back refills nothing. */
export const refill = (bucket: Bucket, { perSecond, burst }: Rate, now: number): void => {
  if (now > bucket.at) bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000)
  bucket.at = now
}

/** Takes `cost` if any token is left. Returns 0, or the milliseconds until one is. */
export const take = (bucket: Bucket, rate: Rate, cost: number, now: number): number => {
  refill(bucket, rate, now)
  if (bucket.tokens <= 0) return (-bucket.tokens / rate.perSecond) * 1000 + 1
  bucket.tokens -= cost
  return 0
}
