/**
 * One session in use in this process. Idle time and age are measured by the monotonic clock: a step of the wall clock,
 * by which storage has its times, ends no session that is in use.
 */
import type * as Clock from "effect/Clock"
import type { UserId } from "../model/Ids.ts"
import type { StoredSession } from "../ports/Store.ts"

/** A session's last use is written once it is off by this part of the idle time. */
const SAVE_AFTER = 1 / 24
/** Milliseconds within which a use is not recorded again, at most. */
const GRAIN = 1000
const NANOS_PER_MILLI = 1_000_000n

/** Times of sessions, in milliseconds. */
export interface SessionTimes {
  readonly idle: number
  readonly lifetime: number
}

/** A session in use. There is one object for each token in a process, so that its end is seen wherever it is held. */
export class LiveSession {
  readonly token: string
  readonly hash: string
  readonly user: UserId
  readonly kind: StoredSession["kind"]
  readonly device: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970: its last recorded use. */
  usedAt: number
  /** Set by `LiveSessions` alone. */
  ended = false
  readonly #clock: Clock.Clock
  readonly #times: SessionTimes
  readonly #grain: number
  /** Its last recorded use and the end of its lifetime, by the monotonic clock. */
  #lastUse: number
  readonly #endsAt: number
  /** What storage has for `usedAt`. */
  #savedAt: number
  /** When its use was last recorded by this process; milliseconds since 1970. */
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
    this.#grain = Math.min(GRAIN, times.idle * SAVE_AFTER)
    const now = clock.currentTimeMillisUnsafe()
    const ticks = monotonic(clock)
    // A time that lies ahead was written before the clock was set back.
    this.#lastUse = ticks - Math.max(now - stored.usedAt, 0)
    this.#endsAt = ticks - Math.max(now - stored.createdAt, 0) + times.lifetime
  }

  get isConnected(): boolean {
    return this.#connections > 0
  }

  /** A connection has it now: as long as one does, it is in use. */
  connected(): void {
    this.#connections++
  }

  /** A connection has it no more; it was in use until now. */
  disconnected(): void {
    this.#connections--
    this.#record(this.#clock.currentTimeMillisUnsafe(), monotonic(this.#clock))
  }

  /** Whether its lifetime is over. */
  get isExpired(): boolean {
    return monotonic(this.#clock) >= this.#endsAt
  }

  /** Whether it is good at all; it is not used by that. */
  get isValid(): boolean {
    const ticks = monotonic(this.#clock)
    return !this.ended && ticks < this.#endsAt && (this.isConnected || ticks - this.#lastUse < this.#times.idle)
  }

  /** Whether it is good; it counts as used now then. `now` in milliseconds since 1970. */
  use(now: number): boolean {
    if (this.ended) return false
    // Messages come by the thousand a second: the monotonic clock is read for the first of them only.
    const since = now - this.#recordedAt
    if (since >= 0 && since < this.#grain) return true
    if (!this.isValid) return false
    this.#record(now, monotonic(this.#clock))
    return true
  }

  #record(now: number, ticks: number): void {
    this.usedAt = this.#recordedAt = now
    this.#lastUse = ticks
  }

  /** Whether its last use is to be written; asking counts as having written it. A step of the clock is one, too. */
  takeUnsaved(): boolean {
    if (Math.abs(this.usedAt - this.#savedAt) < this.#times.idle * SAVE_AFTER) return false
    this.#savedAt = this.usedAt
    return true
  }
}

/** Milliseconds of a clock that nobody sets. */
const monotonic = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / NANOS_PER_MILLI)
