/**
 * Statuses of online users, on this node and on others that share its store. Never stored with the users: after a start all
 * users are offline.
 */
import type { UserId } from "../model/Ids.ts"
import type { PresentUser, Status, User } from "../model/User.ts"

/** Maximum number of recent changes whose users are recorded. */
const MAX_CHANGES = 16_384

export class Presence {
  /** Statuses of users with a connection to this node. */
  readonly #statuses = new Map<UserId, Status>()
  /** Statuses on other nodes, by node. Empty for a single node. */
  readonly #elsewhere = new Map<UserId, Map<string, Status>>()
  /** Number of users with connections to other nodes only. */
  #onlyElsewhere = 0
  #changes = 0
  /** Users of the newest changes; the change with number n, counted from 0, is at n modulo the bound. */
  readonly #changed: Array<UserId> = []
  /** Called for each change of a status on this node; undefined for a single node. */
  onLocalChange: ((user: UserId, status: Status) => void) | undefined

  /** The status on this node, if the user is connected to it; otherwise on the node to which they connected first. */
  status(user: UserId): Status {
    const local = this.#statuses.get(user)
    if (local !== undefined || this.#elsewhere.size === 0) return local ?? "offline"
    for (const status of this.#elsewhere.get(user)?.values() ?? []) return status
    return "offline"
  }

  /** Whether the user is connected to another node. */
  isElsewhere(user: UserId): boolean {
    return this.#elsewhere.size > 0 && this.#elsewhere.has(user)
  }

  /** Number of changes so far. */
  get changes(): number {
    return this.#changes
  }

  /** Sets the status on this node. */
  set(user: UserId, status: Status): void {
    const before = this.#statuses.get(user) ?? "offline"
    this.#track(user, () => {
      if (status === "offline") this.#statuses.delete(user)
      else this.#statuses.set(user, status)
    })
    if (status !== before) this.onLocalChange?.(user, status)
  }

  /** Sets the status on another node. */
  setElsewhere(node: string, user: UserId, status: Status): void {
    this.#track(user, () => {
      const nodes = this.#elsewhere.get(user)
      if (status !== "offline") {
        if (nodes === undefined) this.#elsewhere.set(user, new Map([[node, status]]))
        else nodes.set(node, status)
      } else if (nodes?.delete(node) === true && nodes.size === 0) this.#elsewhere.delete(user)
    })
  }

  /** Removes all statuses on another node. */
  removeNode(node: string): void {
    for (const [user, nodes] of this.#elsewhere) if (nodes.has(node)) this.setElsewhere(node, user, "offline")
  }

  /** Statuses on this node. */
  local(): ReadonlyMap<UserId, Status> {
    return this.#statuses
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
    return this.#statuses.size + this.#onlyElsewhere
  }

  /** Applies a change, and records its user if their status is another one afterwards. */
  #track(user: UserId, change: () => void): void {
    const before = this.status(user)
    const wasOnlyElsewhere = this.#isOnlyElsewhere(user)
    change()
    const isOnlyElsewhere = this.#isOnlyElsewhere(user)
    if (isOnlyElsewhere !== wasOnlyElsewhere) this.#onlyElsewhere += isOnlyElsewhere ? 1 : -1
    if (this.status(user) !== before) this.#changed[this.#changes++ % MAX_CHANGES] = user
  }

  #isOnlyElsewhere(user: UserId): boolean {
    return this.isElsewhere(user) && !this.#statuses.has(user)
  }
}
