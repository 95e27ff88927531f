/** A token bucket that may be overdrawn: what one request costs is never too much, and is paid back before the next one. */

export interface Rate {
  /** Tokens that come back in a second. */
  readonly perSecond: number
  /** Tokens of a full bucket. */
  readonly burst: number
}

export interface Bucket {
  /** Below 0 while more was taken than there was. */
  tokens: number
  /** When that was so; milliseconds since 1970. */
  at: number
}

export const fullBucket = ({ burst }: Rate, now: number): Bucket => ({ tokens: burst, at: now })

/** Puts back what has come meanwhile. A clock that is set back puts back nothing. */
export const refill = (bucket: Bucket, { perSecond, burst }: Rate, now: number): void => {
  if (now > bucket.at) bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000)
  bucket.at = now
}

/** Takes `cost` where there is anything left. Returns 0, or else the milliseconds until there is. */
export const take = (bucket: Bucket, rate: Rate, cost: number, now: number): number => {
  refill(bucket, rate, now)
  if (bucket.tokens <= 0) return (-bucket.tokens / rate.perSecond) * 1000 + 1
  bucket.tokens -= cost
  return 0
}
