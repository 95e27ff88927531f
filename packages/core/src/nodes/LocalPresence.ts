/** Presence of the users of this node: its changes are numbered, for packets, and saved in the registry of nodes. */
import * as Effect from "effect/Effect"
import type { UserEvent } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { Status } from "../model/User.ts"
import type { NodePresence, Nodes } from "../ports/Nodes.ts"
import type { StorageFailed } from "../ports/Store.ts"

/** Maximum number of users per write. */
const BATCH_SIZE = 500

export class LocalPresence {
  readonly #registry: Nodes["Service"]
  readonly #node: string
  /** Of users who are connected, or whose latest change is not saved. */
  readonly #users = new Map<UserId, NodePresence>()
  readonly #unsaved = new Set<UserId>()
  #version = 0
  #saved = 0

  constructor(registry: Nodes["Service"], node: string) {
    this.#registry = registry
    this.#node = node
  }

  /** Records a status; returns the version of the change. */
  changed(user: UserId, status: Status): number {
    const version = ++this.#version
    this.#put({ event: null, eventVersion: 0, ...this.#users.get(user), user, status, version })
    return version
  }

  /** Records an event about a user; returns its version. */
  announced(user: UserId, event: UserEvent["what"]): number {
    const eventVersion = ++this.#version
    this.#put({ status: "offline", version: 0, ...this.#users.get(user), user, event, eventVersion })
    return eventVersion
  }

  #put(presence: NodePresence): void {
    this.#users.set(presence.user, presence)
    this.#unsaved.add(presence.user)
  }

  /** Saves the changes since the last call. */
  readonly save: Effect.Effect<void, StorageFailed> = Effect.gen({ self: this }, function* () {
    while (this.#unsaved.size > 0) {
      const users = [...this.#unsaved].slice(0, BATCH_SIZE).flatMap((user) => this.#users.get(user) ?? [])
      // The version is complete only with the last batch.
      const version = users.length === this.#unsaved.size ? this.#version : this.#saved
      yield* this.#registry.savePresence(this.#node, version, users)
      this.#saved = version
      for (const presence of users) {
        if (this.#users.get(presence.user) !== presence) continue
        this.#unsaved.delete(presence.user)
        if (presence.status === "offline") this.#users.delete(presence.user)
      }
    }
  })

  /** Version that the registry has. */
  get saved(): number {
    return this.#saved
  }

  /** Saves all again if the registry has an earlier version than was `saved` before it was asked: it has lost this node. */
  restoreFrom(version: number, saved: number): void {
    if (version >= saved) return
    for (const user of this.#users.keys()) this.#unsaved.add(user)
  }
}
