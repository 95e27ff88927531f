/**
 * One session in use in this process. Idle time and age are measured by the monotonic clock, so that a step of the wall
 * clock, which storage uses, does not end it.
 */
import type * as Clock from "effect/Clock"
import type { UserId } from "../model/Ids.ts"
import type { StoredSession } from "../ports/Store.ts"

/** A session's last use is stored once it deviates by this fraction of the idle time. */
const SAVE_AFTER = 1 / 24
/** Maximum interval in milliseconds within which repeated uses are not recorded. */
const MAX_GRANULARITY_MS = 1000
const NANOS_PER_MILLI = 1_000_000n

/** Times of sessions, in milliseconds. */
export interface SessionTimes {
  readonly idle: number
  readonly lifetime: number
}

/** A session in use. Each token has one object in a process, so that all holders see its end. */
export class LiveSession {
  /** The token itself, which is not stored. */
  readonly token: string
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string
  /** Id of the user. */
  readonly user: UserId
  /** `chat` for a chat client's login, `token` for all others. */
  readonly kind: StoredSession["kind"]
  /** The device that logged in; "" for a user with a single device. */
  readonly device: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Last recorded use; milliseconds since 1970. */
  usedAt: number
  /** Set when the session ends, by `LiveSessions` or `SessionWriter`. */
  ended = false
  readonly #clock: Clock.Clock
  readonly #times: SessionTimes
  readonly #granularity: number
  /** Last recorded use and end of the lifetime, by the monotonic clock. */
  #lastUse: number
  readonly #endsAt: number
  /** `usedAt` as stored. */
  #savedAt: number
  /** When this process last recorded a use; milliseconds since 1970. */
  #recordedAt = Number.NEGATIVE_INFINITY
  #connections = 0

  constructor(token: string, stored: StoredSession, times: SessionTimes, clock: Clock.Clock) {
    this.token = token
    this.hash = stored.hash
    this.user = stored.user
    this.kind = stored.kind
    this.device = stored.device
    this.createdAt = stored.createdAt
    this.usedAt = this.#savedAt = stored.usedAt
    this.#clock = clock
    this.#times = times
    this.#granularity = Math.min(MAX_GRANULARITY_MS, times.idle * SAVE_AFTER)
    const now = clock.currentTimeMillisUnsafe()
    const ticks = monotonic(clock)
    // A future time was written before the clock was set back.
    this.#lastUse = ticks - Math.max(now - stored.usedAt, 0)
    this.#endsAt = ticks - Math.max(now - stored.createdAt, 0) + times.lifetime
  }

  /** Whether a connection uses the session. */
  get isConnected(): boolean {
    return this.#connections > 0
  }

  /** Counts a connection of the session: it is in use as long as it has one. */
  connected(): void {
    this.#connections++
  }

  /** Removes a connection of the session, which was in use until now. */
  disconnected(): void {
    this.#connections--
    this.#record(this.#clock.currentTimeMillisUnsafe(), monotonic(this.#clock))
  }

  /** Whether its lifetime is over. */
  get isExpired(): boolean {
    return monotonic(this.#clock) >= this.#endsAt
  }

  /** Whether it is valid, without recording a use. */
  get isValid(): boolean {
    const ticks = monotonic(this.#clock)
    return !this.ended && ticks < this.#endsAt && (this.isConnected || ticks - this.#lastUse < this.#times.idle)
  }

  /** Returns whether it is valid, and records a use. `now` in milliseconds since 1970. */
  use(now: number): boolean {
    if (this.ended) return false
    // With thousands of messages per second, only the first of them reads the monotonic clock.
    const since = now - this.#recordedAt
    if (since >= 0 && since < this.#granularity) return true
    if (!this.isValid) return false
    this.#record(now, monotonic(this.#clock))
    return true
  }

  #record(now: number, ticks: number): void {
    this.usedAt = this.#recordedAt = now
    this.#lastUse = ticks
  }

  /**
   * Returns whether the last use must be stored, and assumes that the caller stores it. A step of the clock counts as a
   * deviation.
   */
  takeUnsaved(): boolean {
    if (Math.abs(this.usedAt - this.#savedAt) < this.#times.idle * SAVE_AFTER) return false
    this.#savedAt = this.usedAt
    return true
  }
}

/** Returns milliseconds of the monotonic clock. */
const monotonic = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / NANOS_PER_MILLI)
