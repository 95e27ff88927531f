/** Who is here now. Never stored: after a start everybody is offline. */
import type { UserId } from "../model/Ids.ts"
import type { PresentUser, Status, User } from "../model/User.ts"

/** Changes that are remembered by user, at most. */
const REMEMBERED = 16_384

export class Presence {
  readonly #statuses = new Map<UserId, Status>()
  #changes = 0
  /** Users of the newest changes; the change with number n, counted from 0, is at n modulo the bound. */
  readonly #changed: Array<UserId> = []

  status(user: UserId): Status {
    return this.#statuses.get(user) ?? "offline"
  }

  /** Counts changes. */
  get changes(): number {
    return this.#changes
  }

  set(user: UserId, status: Status): void {
    if (this.status(user) !== status) this.#changed[this.#changes++ % REMEMBERED] = user
    if (status === "offline") this.#statuses.delete(user)
    else this.#statuses.set(user, status)
  }

  /** Users whose status has changed since `changes` was this; nothing where that was too long ago to be known. */
  changedSince(changes: number): ReadonlyArray<UserId> | undefined {
    if (this.#changes - changes > REMEMBERED) return undefined
    const users: Array<UserId> = []
    for (let at = changes; at < this.#changes; at++) {
      const user = this.#changed[at % REMEMBERED]
      if (user !== undefined) users.push(user)
    }
    return users
  }

  of(user: User): PresentUser {
    return { ...user, status: this.status(user.id) }
  }

  /** How many users have a live connection. */
  get size(): number {
    return this.#statuses.size
  }
}
