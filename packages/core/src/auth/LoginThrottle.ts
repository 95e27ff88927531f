/**
 * Bounds failed logins by key (an account, an address) and the attempts under way. An attempt under way holds one of the
 * failures that are still allowed: it is not a failure yet, but no more attempts are evaluated at once than may fail. The
 * others wait in line; they are refused once the failures are used up.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { BoundedMap } from "../cache/BoundedMap.ts"
import { type Refused, refuse } from "../model/Refused.ts"

/** Maximum number of keys; beyond it the one whose last attempt is oldest is dropped. */
const MAX_KEYS = 100_000
/** Attempts that wait in line for one key, at most. */
const MAX_LINE = 1000
/** Attempts that wait in line for all keys, at most. */
const MAX_WAITING = 10_000
/** Seconds after which an attempt that found the line full may come again. */
const RETRY_AFTER = 10

export interface Limit {
  /** Failures allowed within the window. */
  readonly failures: number
  /** Milliseconds, from the first failure on. */
  readonly window: number
}

/** Failures within a fixed window. A clock that was set back begins a new one. */
class FailureCount {
  readonly #limit: Limit
  #failures = 0
  /** Milliseconds since 1970. */
  #since = 0

  constructor(limit: Limit) {
    this.#limit = limit
  }

  /** Failures that are still allowed. */
  left(now: number): number {
    return this.#limit.failures - this.#current(now)
  }

  /** Seconds until the window is over. */
  seconds(now: number): number {
    return Math.ceil((this.#since + this.#limit.window - now) / 1000)
  }

  add(now: number): void {
    const before = this.#current(now)
    if (before === 0) this.#since = now
    this.#failures = before + 1
  }

  isEmpty(now: number): boolean {
    return this.#current(now) === 0
  }

  #current(now: number): number {
    return now >= this.#since && now < this.#since + this.#limit.window ? this.#failures : 0
  }
}

interface Waiter {
  hasEntered: boolean
  readonly resume: (effect: Effect.Effect<void, Refused>) => void
}

/** What is known of one key. */
export interface Attempts {
  readonly key: string
  readonly counts: ReadonlyArray<FailureCount>
  underway: number
  /** In order of arrival. */
  readonly line: Set<Waiter>
}

export class LoginThrottle {
  readonly #limits: ReadonlyArray<Limit>
  readonly #byKey = new BoundedMap<string, Attempts>(MAX_KEYS)
  #waiting = 0

  /** Each key has all of these limits. */
  constructor(limits: ReadonlyArray<Limit>) {
    this.#limits = limits
  }

  /**
   * Enters one attempt, at once or after its turn in line. Each attempt that entered leaves once. Refused with
   * `TooManyAttempts` while no failure is allowed, and with `RateLimited` where too many wait.
   */
  enter(key: string, now: () => number): Effect.Effect<Attempts, Refused> {
    const entering = Effect.suspend(() => {
      const attempts = this.#attempts(key)
      const seconds = secondsBlocked(attempts, now())
      if (seconds !== undefined) return refuse({ _tag: "TooManyAttempts", retryAfterSeconds: seconds })
      if (attempts.line.size === 0 && isFree(attempts, now())) {
        attempts.underway++
        return Effect.succeed(attempts)
      }
      if (attempts.line.size >= MAX_LINE || this.#waiting >= MAX_WAITING) {
        return refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY_AFTER })
      }
      return Effect.as(this.#inLine(attempts, now), attempts)
    })
    // Only the wait in line can be interrupted: an attempt that entered is known to its caller.
    return Effect.uninterruptible(entering)
  }

  /** Ends an attempt that entered. */
  leave(attempts: Attempts, failed: boolean, now: number): void {
    const { key, counts, line } = attempts
    attempts.underway--
    if (failed) for (const count of counts) count.add(now)
    this.#proceed(attempts, now)
    const isIdle = attempts.underway === 0 && line.size === 0 && counts.every((count) => count.isEmpty(now))
    if (isIdle) this.#byKey.delete(key)
    else if (!this.#byKey.has(key)) this.#byKey.set(key, attempts)
  }

  #inLine(attempts: Attempts, now: () => number): Effect.Effect<void, Refused> {
    return Effect.suspend(() => {
      let waiter: Waiter | undefined
      const wait = Effect.callback<void, Refused>((resume) => {
        waiter = { hasEntered: false, resume }
        attempts.line.add(waiter)
        this.#waiting++
      })
      return Effect.onExit(Effect.interruptible(wait), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit) || waiter === undefined) return
          // Interrupted: in line, or between its turn and its next step.
          if (waiter.hasEntered) this.leave(attempts, false, now())
          else if (attempts.line.delete(waiter)) this.#waiting--
        })
      )
    })
  }

  /** Lets those in line enter, as many as may; refuses all of them once no failure is allowed. */
  #proceed(attempts: Attempts, now: number): void {
    const seconds = secondsBlocked(attempts, now)
    for (const waiter of attempts.line) {
      if (seconds === undefined && !isFree(attempts, now)) return
      attempts.line.delete(waiter)
      this.#waiting--
      if (seconds === undefined) {
        attempts.underway++
        waiter.hasEntered = true
        waiter.resume(Effect.void)
      } else waiter.resume(refuse({ _tag: "TooManyAttempts", retryAfterSeconds: seconds }))
    }
  }

  #attempts(key: string): Attempts {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const counts = this.#limits.map((limit) => new FailureCount(limit))
    const attempts: Attempts = { key, counts, underway: 0, line: new Set() }
    this.#byKey.set(key, attempts)
    return attempts
  }
}

/** Seconds until a failure is allowed again; undefined while one is. */
const secondsBlocked = ({ counts }: Attempts, now: number): number | undefined => {
  const spent = counts.filter((count) => count.left(now) <= 0)
  return spent.length === 0 ? undefined : Math.max(...spent.map((count) => count.seconds(now)))
}

const isFree = ({ counts, underway }: Attempts, now: number): boolean =>
  counts.every((count) => underway < count.left(now))
