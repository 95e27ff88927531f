/** Who is here now. Never stored: after a start everybody is offline. */
import type { UserId } from "./Ids.ts"
import type { PresentUser, Status, User } from "./User.ts"

export class Presence {
  readonly #statuses = new Map<UserId, Status>()
  #changes = 0

  status(user: UserId): Status {
    return this.#statuses.get(user) ?? "offline"
  }

  /** Counts changes. */
  get changes(): number {
    return this.#changes
  }

  set(user: UserId, status: Status): void {
    if (this.status(user) !== status) this.#changes++
    if (status === "offline") this.#statuses.delete(user)
    else this.#statuses.set(user, status)
  }

  of(user: User): PresentUser {
    return { ...user, status: this.status(user.id) }
  }

  /** How many users have a live connection. */
  get size(): number {
    return this.#statuses.size
  }
}
