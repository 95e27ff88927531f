/** The authenticated connections of this node, by user. */
import type { UserId } from "../model/Ids.ts"
import type { HubSession } from "./HubSession.ts"

const NONE: ReadonlySet<HubSession> = new Set()

export class ConnectedSessions {
  readonly #byUser = new Map<UserId, Set<HubSession>>()

  /** The user's connections, oldest first. */
  of(user: UserId): ReadonlySet<HubSession> {
    return this.#byUser.get(user) ?? NONE
  }

  has(user: UserId): boolean {
    return this.#byUser.has(user)
  }

  /** Users with a connection. */
  users(): MapIterator<UserId> {
    return this.#byUser.keys()
  }

  /** Number of users with a connection. */
  get userCount(): number {
    return this.#byUser.size
  }

  /** Number of connections. */
  get size(): number {
    let size = 0
    for (const sessions of this.#byUser.values()) size += sessions.size
    return size
  }

  /** All connections, also those that are added meanwhile. */
  *all(): Generator<HubSession, void> {
    for (const sessions of this.#byUser.values()) yield* sessions
  }

  /** The connections of these users. */
  *ofAll(users: Iterable<UserId>): Generator<HubSession, void> {
    for (const user of users) yield* this.of(user)
  }

  add(user: UserId, session: HubSession): void {
    const sessions = this.#byUser.get(user)
    if (sessions === undefined) this.#byUser.set(user, new Set([session]))
    else sessions.add(session)
  }

  /** Returns whether the user had this connection. */
  remove(user: UserId, session: HubSession): boolean {
    const sessions = this.#byUser.get(user)
    if (sessions === undefined || !sessions.delete(session)) return false
    if (sessions.size === 0) this.#byUser.delete(user)
    return true
  }
}
