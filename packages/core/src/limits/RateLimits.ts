/**
 * What each user and each app may ask for in a second, over all their connections and protocols. One bucket for each who
 * has asked lately; whoever has not has a full one, and needs none.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { type Bucket, fullBucket, type Rate, refill, take } from "../rules/TokenBucket.ts"
import type { EngineSettings } from "../ports/Settings.ts"

/** The user who asks; or the app that asks for many users, by a name that begins with its protocol's. */
export type Payer = UserId | string

/** What an app may ask for, as a multiple of what a user may: it acts for many of them. */
const APP = 10

/** Milliseconds for which a bucket is kept at least: a full one need not be kept. */
const KEPT = 1000

export class RateLimits {
  readonly #clock: Clock.Clock
  readonly #users: Rate
  readonly #apps: Rate
  /** Milliseconds after which an empty bucket is full again; one that is overdrawn is kept for as long as it is used. */
  readonly #lifetime: number
  /** Buckets used in this lifetime, and those used in the one before. */
  #buckets = new Map<Payer, Bucket>()
  #before = new Map<Payer, Bucket>()
  #since = Number.NEGATIVE_INFINITY

  constructor(clock: Clock.Clock, { costPerSecond, costBurst }: Pick<EngineSettings, "costPerSecond" | "costBurst">) {
    this.#clock = clock
    this.#users = { perSecond: costPerSecond, burst: costBurst }
    this.#apps = { perSecond: costPerSecond * APP, burst: costBurst * APP }
    this.#lifetime = Math.max(KEPT, (costBurst / costPerSecond) * 1000)
  }

  /**
   * Takes `cost` units. Returns 0, or the seconds after which something is left again; then nothing was taken. `now` is for
   * callers that have just read the clock, which costs as much as the rest.
   */
  take(payer: Payer, cost: number, now = this.#clock.currentTimeMillisUnsafe()): number {
    const wait = take(this.#bucketOf(payer, now), this.#rateOf(payer), cost, now)
    return wait === 0 ? 0 : Math.ceil(wait / 1000)
  }

  /** Takes `cost` units for what was done already: by `now`, which may be the time of its `take`. */
  owe(payer: Payer, cost: number, now = this.#clock.currentTimeMillisUnsafe()): void {
    if (cost <= 0) return
    const bucket = this.#bucketOf(payer, Math.max(now, this.#since))
    // A time before the last use puts back nothing, and must not be the start of the next refill.
    if (now > bucket.at) refill(bucket, this.#rateOf(payer), now)
    bucket.tokens -= cost
  }

  /** As `take`, refusing. */
  charge(payer: Payer, cost: number): Effect.Effect<void, Refused> {
    return Effect.suspend(() => {
      const retryAfterSeconds = this.take(payer, cost)
      return retryAfterSeconds === 0 ? Effect.void : refuse({ _tag: "RateLimited", retryAfterSeconds })
    })
  }

  /** How many buckets there are. */
  get size(): number {
    return this.#buckets.size + this.#before.size
  }

  #rateOf(payer: Payer): Rate {
    return typeof payer === "number" ? this.#users : this.#apps
  }

  #bucketOf(payer: Payer, now: number): Bucket {
    if (now - this.#since >= this.#lifetime || now < this.#since) this.#turn(now)
    const known = this.#buckets.get(payer)
    if (known !== undefined) return known
    const bucket = this.#before.get(payer) ?? fullBucket(this.#rateOf(payer), now)
    this.#buckets.set(payer, bucket)
    this.#before.delete(payer)
    return bucket
  }

  /** Those that nobody has used for a lifetime are full by now, but for those that are overdrawn. */
  #turn(now: number): void {
    const idle = this.#before
    this.#before = this.#buckets
    this.#buckets = new Map()
    this.#since = now
    for (const [payer, bucket] of idle) {
      refill(bucket, this.#rateOf(payer), now)
      if (bucket.tokens < 0) this.#before.set(payer, bucket)
    }
  }
}
