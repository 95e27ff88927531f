/** Statuses of online users. Never stored: after a start all users are offline. */
import type { UserId } from "../model/Ids.ts"
import type { PresentUser, Status, User } from "../model/User.ts"

/** Maximum number of recent changes whose users are recorded. */
const MAX_CHANGES = 16_384

export class Presence {
  readonly #statuses = new Map<UserId, Status>()
  #changes = 0
  /** Users of the newest changes; the change with number n, counted from 0, is at n modulo the bound. */
  readonly #changed: Array<UserId> = []

  status(user: UserId): Status {
    return this.#statuses.get(user) ?? "offline"
  }

  /** Number of changes so far. */
  get changes(): number {
    return this.#changes
  }

  set(user: UserId, status: Status): void {
    if (this.status(user) !== status) this.#changed[this.#changes++ % MAX_CHANGES] = user
    if (status === "offline") this.#statuses.delete(user)
    else this.#statuses.set(user, status)
  }

  /**
   * Returns the users whose status has changed since the counter had this value, or undefined if that was too long ago.
   */
  changedSince(changes: number): ReadonlyArray<UserId> | undefined {
    if (this.#changes - changes > MAX_CHANGES) return undefined
    const users: Array<UserId> = []
    for (let at = changes; at < this.#changes; at++) {
      const user = this.#changed[at % MAX_CHANGES]
      if (user !== undefined) users.push(user)
    }
    return users
  }

  of(user: User): PresentUser {
    return { ...user, status: this.status(user.id) }
  }

  /** Number of users with a live connection. */
  get size(): number {
    return this.#statuses.size
  }
}
