/** Sessions in use in this process, by token and by user, and pending reads and writes of sessions in storage. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { BoundedMap } from "../cache/BoundedMap.ts"
import type { UserId } from "../model/Ids.ts"
import { LiveSession, type SessionTimes } from "../delivery/LiveSession.ts"
import type { StoredSession } from "../ports/Store.ts"

/** Maximum number of sessions in memory; beyond it the least recently used one is dropped. */
const MAX_SESSIONS = 200_000

/** A pending read or write of a session in storage. */
export interface Watch {
  /** The session has ended meanwhile: the result is outdated. */
  readonly ended: boolean
}

export class LiveSessions {
  readonly #times: SessionTimes
  readonly #clock: Clock.Clock
  readonly #byToken = new BoundedMap<string, LiveSession>(MAX_SESSIONS, (session) => this.#onDropped(session))
  readonly #byUser = new Map<UserId, Set<LiveSession>>()
  /** By hash. */
  readonly #watches = new Map<string, Set<{ ended: boolean }>>()

  constructor(times: SessionTimes, clock: Clock.Clock) {
    this.#times = times
    this.#clock = clock
  }

  get(token: string): LiveSession | undefined {
    return this.#byToken.get(token)
  }

  of(user: UserId): Iterable<LiveSession> {
    return this.#byUser.get(user) ?? []
  }

  /**
   * Adds a session from storage; `watch` is from before it was read or written. A session that has ended since is
   * returned as ended, and not added.
   */
  add(token: string, stored: StoredSession, watch: Watch): LiveSession {
    const existing = this.#byToken.get(token)
    if (existing !== undefined) return existing
    const session = new LiveSession(token, stored, this.#times, this.#clock)
    if (watch.ended) {
      session.ended = true
      return session
    }
    this.#byToken.set(token, session)
    const others = this.#byUser.get(session.user)
    if (others === undefined) this.#byUser.set(session.user, new Set([session]))
    else others.add(session)
    return session
  }

  /** Ends sessions of a user that have ended in storage, and marks pending reads and writes of them. */
  end(user: UserId, hashes: ReadonlySet<string>): void {
    for (const session of this.#byUser.get(user) ?? []) {
      if (!hashes.has(session.hash)) continue
      session.ended = true
      this.#byToken.delete(session.token)
      this.#onDropped(session)
    }
    for (const hash of hashes) for (const watch of this.#watches.get(hash) ?? []) watch.ended = true
  }

  /** Drops all sessions from memory, and marks all pending reads and writes as outdated. */
  clear(): void {
    this.#byToken.clear()
    this.#byUser.clear()
    for (const watches of this.#watches.values()) for (const watch of watches) watch.ended = true
  }

  /** Runs a read or write of a session in storage, with a watch that is marked if the session ends meanwhile. */
  watching<A, E>(hash: string, work: (watch: Watch) => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const watch = { ended: false }
      const others = this.#watches.get(hash)
      if (others === undefined) this.#watches.set(hash, new Set([watch]))
      else others.add(watch)
      return Effect.ensuring(
        work(watch),
        Effect.sync(() => {
          const watches = this.#watches.get(hash)
          watches?.delete(watch)
          if (watches?.size === 0) this.#watches.delete(hash)
        })
      )
    })
  }

  #onDropped(session: LiveSession): void {
    const others = this.#byUser.get(session.user)
    others?.delete(session)
    if (others?.size === 0) this.#byUser.delete(session.user)
  }
}
