/**
 * Limits failed logins by key (an account, an address) and concurrent attempts. A running attempt reserves one of the
 * remaining failures, so that no more attempts run concurrently than may fail. Further attempts are queued; they are
 * refused once the failures are used up.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { BoundedMap } from "../cache/BoundedMap.ts"
import { type Refused, refuse } from "../model/Refused.ts"

/** Maximum number of keys; beyond it the least recently used one is dropped. */
const MAX_KEYS = 100_000
/** Maximum number of queued attempts of one key. */
const MAX_QUEUE_PER_KEY = 1000
/** Maximum number of queued attempts of all keys. */
const MAX_QUEUED = 10_000
/** Seconds after which an attempt that found the queue full may be retried. */
const RETRY_AFTER_SECONDS = 10

export interface Limit {
  /** Failures allowed within the window. */
  readonly failures: number
  /** Milliseconds from the first failure on. */
  readonly window: number
}

/** Returns the number of nodes, by which the allowed failures are divided: each counts its own. */
export type NodeCount = () => number

/** Failures within a fixed window. A clock that is set back starts a new one. */
class FailureCount {
  readonly #limit: Limit
  readonly #nodes: NodeCount
  #failures = 0
  /** Milliseconds since 1970. */
  #windowStart = 0

  constructor(limit: Limit, nodes: NodeCount) {
    this.#limit = limit
    this.#nodes = nodes
  }

  /** Returns the number of failures that are still allowed. */
  left(now: number): number {
    return Math.ceil(this.#limit.failures / this.#nodes()) - this.#current(now)
  }

  /** Returns the seconds until the window is over. */
  seconds(now: number): number {
    return Math.ceil((this.#windowStart + this.#limit.window - now) / 1000)
  }

  add(now: number): void {
    const before = this.#current(now)
    if (before === 0) this.#windowStart = now
    this.#failures = before + 1
  }

  isEmpty(now: number): boolean {
    return this.#current(now) === 0
  }

  #current(now: number): number {
    return now >= this.#windowStart && now < this.#windowStart + this.#limit.window ? this.#failures : 0
  }
}

interface Waiter {
  hasEntered: boolean
  readonly resume: (effect: Effect.Effect<void, Refused>) => void
}

/** State of one key. */
export interface Attempts {
  readonly key: string
  readonly counts: ReadonlyArray<FailureCount>
  running: number
  /** In order of arrival. */
  readonly queue: Set<Waiter>
}

export class LoginThrottle {
  readonly #limits: ReadonlyArray<Limit>
  readonly #nodes: NodeCount
  readonly #byKey = new BoundedMap<string, Attempts>(MAX_KEYS)
  #queued = 0

  /** Each key has all of these limits. */
  constructor(limits: ReadonlyArray<Limit>, nodes: NodeCount = () => 1) {
    this.#limits = limits
    this.#nodes = nodes
  }

  /**
   * Starts one attempt, immediately or after queueing. Each started attempt ends once with `leave`. Refused with
   * `TooManyAttempts` while no failure is allowed, and with `RateLimited` if too many are queued.
   */
  enter(key: string, now: () => number): Effect.Effect<Attempts, Refused> {
    const attempt = Effect.suspend(() => {
      const attempts = this.#attempts(key)
      const seconds = secondsBlocked(attempts, now())
      if (seconds !== undefined) return refuse({ _tag: "TooManyAttempts", retryAfterSeconds: seconds })
      if (attempts.queue.size === 0 && isFree(attempts, now())) {
        attempts.running++
        return Effect.succeed(attempts)
      }
      if (attempts.queue.size >= MAX_QUEUE_PER_KEY || this.#queued >= MAX_QUEUED) {
        return refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY_AFTER_SECONDS })
      }
      return Effect.as(this.#enqueue(attempts, now), attempts)
    })
    // Only the wait in the queue is interruptible: a started attempt must reach the caller.
    return Effect.uninterruptible(attempt)
  }

  /** Ends a started attempt. */
  leave(attempts: Attempts, failed: boolean, now: number): void {
    const { key, counts, queue } = attempts
    attempts.running--
    if (failed) for (const count of counts) count.add(now)
    this.#proceed(attempts, now)
    const isIdle = attempts.running === 0 && queue.size === 0 && counts.every((count) => count.isEmpty(now))
    if (isIdle) this.#byKey.delete(key)
    else if (!this.#byKey.has(key)) this.#byKey.set(key, attempts)
  }

  #enqueue(attempts: Attempts, now: () => number): Effect.Effect<void, Refused> {
    return Effect.suspend(() => {
      let waiter: Waiter | undefined
      const wait = Effect.callback<void, Refused>((resume) => {
        waiter = { hasEntered: false, resume }
        attempts.queue.add(waiter)
        this.#queued++
      })
      return Effect.onExit(Effect.interruptible(wait), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit) || waiter === undefined) return
          // Interrupted in the queue, or between its turn and its next step.
          if (waiter.hasEntered) this.leave(attempts, false, now())
          else if (attempts.queue.delete(waiter)) this.#queued--
        })
      )
    })
  }

  /** Starts as many queued attempts as allowed; refuses all of them once no failure is allowed. */
  #proceed(attempts: Attempts, now: number): void {
    const seconds = secondsBlocked(attempts, now)
    for (const waiter of attempts.queue) {
      if (seconds === undefined && !isFree(attempts, now)) return
      attempts.queue.delete(waiter)
      this.#queued--
      if (seconds === undefined) {
        attempts.running++
        waiter.hasEntered = true
        waiter.resume(Effect.void)
      } else waiter.resume(refuse({ _tag: "TooManyAttempts", retryAfterSeconds: seconds }))
    }
  }

  #attempts(key: string): Attempts {
    const existing = this.#byKey.get(key)
    if (existing !== undefined) return existing
    const counts = this.#limits.map((limit) => new FailureCount(limit, this.#nodes))
    const attempts: Attempts = { key, counts, running: 0, queue: new Set() }
    this.#byKey.set(key, attempts)
    return attempts
  }
}

/** Returns the seconds until a failure is allowed again, or undefined while one is. */
const secondsBlocked = ({ counts }: Attempts, now: number): number | undefined => {
  const exhausted = counts.filter((count) => count.left(now) <= 0)
  return exhausted.length === 0 ? undefined : Math.max(...exhausted.map((count) => count.seconds(now)))
}

const isFree = ({ counts, running }: Attempts, now: number): boolean =>
  counts.every((count) => running < count.left(now))
