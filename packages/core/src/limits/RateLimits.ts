/**
 * Rate limits of users and apps, over all their connections and protocols. Each active payer has a token bucket; idle
 * ones have a full bucket, which is not stored.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { type Bucket, fullBucket, type Rate, refill, take } from "../rules/TokenBucket.ts"
import type { EngineSettings } from "../ports/Settings.ts"

/** The calling user; or an app that acts for many users, by a name that begins with its protocol's. */
export type Payer = UserId | string

/** Limit of an app as a multiple of a user's: it acts for many of them. */
const APP_FACTOR = 10

/** Minimum lifetime of a bucket in milliseconds: a full bucket need not be stored. */
const MIN_LIFETIME_MS = 1000

/** Token buckets of users and apps: `costPerSecond` units per second, at most `costBurst` at once. */
export class RateLimits {
  readonly #clock: Clock.Clock
  readonly #users: Rate
  readonly #apps: Rate
  readonly #kind: { readonly of?: "messages" }
  /** Milliseconds after which an empty bucket is full again; an overdrawn one is stored until it is. */
  readonly #lifetime: number
  /** Buckets used in the current lifetime, and those used in the previous one. */
  #buckets = new Map<Payer, Bucket>()
  #previous = new Map<Payer, Bucket>()
  #since = Number.NEGATIVE_INFINITY

  /** `of`: named by refusals; requests by default. */
  constructor(
    clock: Clock.Clock,
    { costPerSecond, costBurst }: Pick<EngineSettings, "costPerSecond" | "costBurst">,
    of?: "messages"
  ) {
    this.#clock = clock
    this.#kind = of === undefined ? {} : { of }
    this.#users = { perSecond: costPerSecond, burst: costBurst }
    this.#apps = { perSecond: costPerSecond * APP_FACTOR, burst: costBurst * APP_FACTOR }
    this.#lifetime = Math.max(MIN_LIFETIME_MS, (costBurst / costPerSecond) * 1000)
  }

  /**
   * Takes `cost` units. Returns 0, or the seconds until units are available again; then nothing was taken. `now` is for
   * callers that have just read the clock, which costs as much as the rest.
   */
  take(payer: Payer, cost: number, now = this.#clock.currentTimeMillisUnsafe()): number {
    const wait = take(this.#bucketOf(payer, now), this.#rateOf(payer), cost, now)
    return wait === 0 ? 0 : Math.ceil(wait / 1000)
  }

  /** Takes `cost` units for work already done; `now` may be the time of its `take`. */
  owe(payer: Payer, cost: number, now = this.#clock.currentTimeMillisUnsafe()): void {
    if (cost <= 0) return
    const bucket = this.#bucketOf(payer, Math.max(now, this.#since))
    // A time before the last use refills nothing, and must not become the start of the next refill.
    if (now > bucket.at) refill(bucket, this.#rateOf(payer), now)
    bucket.tokens -= cost
  }

  /** Returns whether no units are left. `now`: see `take`. */
  isExhausted(payer: Payer, now: number): boolean {
    return this.take(payer, 0, now) > 0
  }

  /** Takes `cost` units, or fails with `RateLimited`. */
  charge(payer: Payer, cost: number): Effect.Effect<void, Refused> {
    return Effect.suspend(() => {
      const retryAfterSeconds = this.take(payer, cost)
      return retryAfterSeconds === 0 ? Effect.void : refuse({ _tag: "RateLimited", retryAfterSeconds, ...this.#kind })
    })
  }

  /** Number of stored buckets. */
  get size(): number {
    return this.#buckets.size + this.#previous.size
  }

  #rateOf(payer: Payer): Rate {
    return typeof payer === "number" ? this.#users : this.#apps
  }

  #bucketOf(payer: Payer, now: number): Bucket {
    if (now - this.#since >= this.#lifetime || now < this.#since) this.#rotate(now)
    const current = this.#buckets.get(payer)
    if (current !== undefined) return current
    const bucket = this.#previous.get(payer) ?? fullBucket(this.#rateOf(payer), now)
    this.#buckets.set(payer, bucket)
    this.#previous.delete(payer)
    return bucket
  }

  /** Starts a new lifetime. Buckets unused for a lifetime are full and are dropped, except for overdrawn ones. */
  #rotate(now: number): void {
    const idle = this.#previous
    this.#previous = this.#buckets
    this.#buckets = new Map()
    this.#since = now
    for (const [payer, bucket] of idle) {
      refill(bucket, this.#rateOf(payer), now)
      if (bucket.tokens < 0) this.#previous.set(payer, bucket)
    }
  }
}
