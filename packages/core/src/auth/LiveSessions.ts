/** The sessions in use in this process, by token and by user, and who is looking one up in storage just now. */
import type * as Clock from "effect/Clock"
import { BoundedMap } from "../cache/BoundedMap.ts"
import type { UserId } from "../model/Ids.ts"
import { LiveSession, type SessionTimes } from "./LiveSession.ts"
import type { StoredSession } from "../ports/Store.ts"

/** Maximum number of sessions in memory; beyond it the one used longest ago is dropped. */
const LIMIT = 200_000

/** Somebody reads or writes a session in storage. */
export interface Watch {
  /** The session has ended meanwhile: what was read is old. */
  readonly ended: boolean
}

export class LiveSessions {
  readonly #times: SessionTimes
  readonly #clock: Clock.Clock
  readonly #byToken = new BoundedMap<string, LiveSession>(LIMIT, (session) => this.#dropped(session))
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
   * What storage has, held from now on; `watch` is from before that was read or written. A session that has ended since
   * is returned as such, and not held.
   */
  hold(token: string, stored: StoredSession, watch: Watch): LiveSession {
    const known = this.#byToken.get(token)
    if (known !== undefined) return known
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

  /** Sessions of a user have ended in storage: whoever holds them or is looking one up learns of it. */
  end(user: UserId, hashes: ReadonlySet<string>): void {
    for (const session of this.#byUser.get(user) ?? []) {
      if (!hashes.has(session.hash)) continue
      session.ended = true
      this.#byToken.delete(session.token)
      this.#dropped(session)
    }
    for (const hash of hashes) for (const watch of this.#watches.get(hash) ?? []) watch.ended = true
  }

  /** To be held as long as a session is read or written; see `unwatch`. */
  watch(hash: string): Watch {
    const watch = { ended: false }
    const others = this.#watches.get(hash)
    if (others === undefined) this.#watches.set(hash, new Set([watch]))
    else others.add(watch)
    return watch
  }

  unwatch(hash: string, watch: Watch): void {
    const watches = this.#watches.get(hash)
    watches?.delete(watch)
    if (watches?.size === 0) this.#watches.delete(hash)
  }

  #dropped(session: LiveSession): void {
    const others = this.#byUser.get(session.user)
    others?.delete(session)
    if (others?.size === 0) this.#byUser.delete(session.user)
  }
}
