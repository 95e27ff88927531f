/**
 * Freshness of cached users: when they expire, and which of two loads is the later one. Users of the store never expire;
 * those of an external directory do. After a failed refresh nothing expires for a while.
 */
import type { DirectoryUsers } from "./DirectoryUsers.ts"
import type { UserId } from "../model/Ids.ts"

/** Back-off after a failed refresh, in ms. */
const RETRY_DELAY_MS = 10_000

interface Freshness {
  /** Time of the next refresh; milliseconds since 1970. */
  expiresAt: number
  /** Generation of the cached value; late responses with a lower one are dropped. */
  readonly generation: number
}

export class UserFreshness {
  readonly #external: DirectoryUsers | undefined
  /** Empty without a directory. */
  readonly #byId = new Map<UserId, Freshness>()
  /** Incremented by each load and each change. */
  #generation = 0
  /** Generation of the last `invalidate`: responses to earlier loads may be outdated. */
  #invalidated = 0
  /** Time until which nothing is refreshed, after a failure. */
  #pausedUntil = 0

  constructor(external: DirectoryUsers | undefined) {
    this.#external = external
  }

  /** Returns the generation of a new load or change. */
  nextGeneration(): number {
    return ++this.#generation
  }

  /** Whether a user of the directory has expired. */
  isExpired(id: UserId): boolean {
    return this.isOver(this.#byId.get(id)?.expiresAt ?? 0)
  }

  /** Whether this time has passed; never while refreshes are paused. */
  isOver(expiresAt: number): boolean {
    if (expiresAt === Infinity) return false
    const now = this.#now()
    return now >= expiresAt && now >= this.#pausedUntil
  }

  /** Time at which a value loaded now expires; milliseconds since 1970, `Infinity` without a directory. */
  expiry(): number {
    return this.#external === undefined ? Infinity : this.#now() + this.#external.ttl
  }

  /** Pauses refreshes after a failure. */
  pause(): void {
    this.#pausedUntil = this.#now() + RETRY_DELAY_MS
  }

  /** Prevents concurrent refreshes of these users for `timeout` milliseconds. */
  postpone(ids: ReadonlyArray<UserId>, timeout: number): void {
    this.#setExpiry(ids, this.#now() + timeout)
  }

  /** Marks these users as expired. */
  expire(ids: ReadonlyArray<UserId>): void {
    this.#setExpiry(ids, 0)
  }

  /** Marks these users as expired, and what was requested before as outdated. */
  invalidate(ids: Iterable<UserId>): void {
    this.#pausedUntil = 0
    this.#invalidated = ++this.#generation
    for (const id of ids) this.#byId.set(id, { expiresAt: 0, generation: this.#generation })
  }

  /** Whether the cached value of a user is later than this generation. */
  isNewer(id: UserId, generation: number): boolean {
    return (this.#byId.get(id)?.generation ?? 0) > generation
  }

  /** Records that a value of this generation is cached. */
  set(id: UserId, generation: number): void {
    if (this.#external === undefined) return
    this.#byId.set(id, { expiresAt: generation < this.#invalidated ? 0 : this.expiry(), generation })
  }

  /** Drops all users; responses to earlier loads are outdated. */
  clear(): void {
    this.#byId.clear()
    this.invalidate([])
  }

  delete(id: UserId): void {
    this.#byId.delete(id)
  }

  #now(): number {
    return this.#external?.now() ?? 0
  }

  #setExpiry(ids: ReadonlyArray<UserId>, expiresAt: number): void {
    for (const id of ids) {
      const entry = this.#byId.get(id)
      if (entry !== undefined) entry.expiresAt = expiresAt
    }
  }
}
