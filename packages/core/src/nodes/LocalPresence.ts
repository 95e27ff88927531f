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

  /** Records a status at this time of the registry's clock; returns the change. */
  changed(user: UserId, status: Status, now: number): NodePresence {
    const version = ++this.#version
    const before = this.#users.get(user)
    const since = status === "offline" ? 0 : before === undefined || before.since === 0 ? now : before.since
    const presence = { event: null, eventVersion: 0, ...before, user, status, version, since }
    this.#put(presence)
    return presence
  }

  /** Time of the user's connection to this node, by the registry's clock; 0 if there is none. */
  since(user: UserId): number {
    return this.#users.get(user)?.since ?? 0
  }

  /** Records an event about a user; returns its version. */
  announced(user: UserId, event: UserEvent["what"]): number {
    const eventVersion = ++this.#version
    this.#put({ status: "offline", version: 0, since: 0, ...this.#users.get(user), user, event, eventVersion })
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
