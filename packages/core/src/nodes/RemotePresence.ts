/** Presence of the users of other nodes: by packets, and by the registry of nodes where packets were lost. */
import * as Effect from "effect/Effect"
import type { UserCache } from "../cache/UserCache.ts"
import type { RemoteBroadcasts } from "../delivery/Broadcaster.ts"
import type { Presence } from "../delivery/Presence.ts"
import type { Broadcast, UserEvent } from "../model/Event.ts"
import { nextEphemeralId } from "../model/Ids.ts"
import type { UserId } from "../model/Ids.ts"
import type { Status, User } from "../model/User.ts"
import type { NodeLease, Nodes } from "../ports/Nodes.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { Notice } from "./Packet.ts"

/** Maximum number of changes of one node that wait for earlier ones. */
const MAX_AHEAD = 10_000

type StatusNotice = Extract<Notice, { readonly _tag: "Status" }>
type UserNotice = Extract<Notice, { readonly _tag: "User" }>

interface Dependencies {
  readonly registry: Nodes["Service"]
  readonly node: string
  readonly presence: Presence
  readonly users: UserCache
  readonly remote: RemoteBroadcasts["Service"]
  /** Called with a user who is connected to another node, and with `NodePresence.since`. */
  readonly onConnected: (user: UserId, since: number) => void
}

export class RemotePresence {
  readonly #deps: Dependencies
  /** Version of the presence that is known, by node. */
  readonly #known = new Map<string, number>()
  /** Changes that arrived before earlier ones of their node, by node and version. */
  readonly #ahead = new Map<string, Map<number, () => void>>()
  /** Whether the nodes that were there before this one are known. */
  #isComplete = false

  constructor(deps: Dependencies) {
    this.#deps = deps
  }

  applyStatus(node: string, { status, user, version, since }: StatusNotice): void {
    this.#inOrder(node, version, () => this.#set(node, user, status, since))
  }

  #set(node: string, user: UserId, status: Status, since: number): void {
    this.#deps.presence.setElsewhere(node, user, status)
    if (status !== "offline") this.#deps.onConnected(user, since)
  }

  applyUser(node: string, { user, version, what }: UserNotice): void {
    this.#inOrder(node, version, () => this.#announce(what, user))
  }

  /** Applies a change after all earlier ones of its node; the registry has those that are missing. */
  #inOrder(node: string, version: number, apply: () => void): void {
    const known = this.#known.get(node)
    if (known !== undefined && version <= known) return
    let ahead = this.#ahead.get(node)
    if (ahead === undefined) this.#ahead.set(node, (ahead = new Map()))
    if (ahead.size < MAX_AHEAD) ahead.set(version, apply)
    if (known !== undefined) this.#advance(node, known)
  }

  /** All changes of the node up to `version` are applied: applies those that follow. */
  #advance(node: string, version: number): void {
    const ahead = this.#ahead.get(node)
    let known = version
    for (let next = ahead?.get(known + 1); next !== undefined; next = ahead?.get(known + 1)) {
      ahead?.delete(++known)
      next()
    }
    this.#known.set(node, known)
    for (const early of ahead?.keys() ?? []) if (early <= known) ahead?.delete(early)
    if (ahead?.size === 0) this.#ahead.delete(node)
  }

  /** Follows the registry: reads changes whose packets were lost, and removes nodes without a lease. */
  readonly follow = Effect.fnUntraced(function* (
    this: RemotePresence,
    leases: ReadonlyArray<NodeLease>
  ): Effect.fn.Return<void, StorageFailed> {
    const { node: self, presence } = this.#deps
    const live = new Set<string>()
    for (const lease of leases) {
      if (lease.node === self) continue
      live.add(lease.node)
      const known = this.#known.get(lease.node)
      if (known !== undefined && known >= lease.presence) continue
      yield* this.#catchUp(lease)
    }
    for (const node of this.#known.keys()) {
      if (live.has(node)) continue
      this.#known.delete(node)
      this.#ahead.delete(node)
      presence.removeNode(node)
    }
    this.#isComplete = true
  })

  /** Reads and applies the changes of a node up to the version of its lease. */
  readonly #catchUp = Effect.fnUntraced(function* (
    this: RemotePresence,
    { node, presence: upTo }: NodeLease
  ): Effect.fn.Return<void, StorageFailed> {
    const { registry, users } = this.#deps
    const before = this.#known.get(node)
    const changes = yield* registry.presence(node, before ?? 0)
    // Users of nodes that were there before this one have logged in long ago.
    const isSilent = before === undefined && !this.#isComplete
    const events = changes
      .filter(({ eventVersion }) => !isSilent && eventVersion <= upTo)
      .sort((a, b) => a.eventVersion - b.eventVersion)
    const named = new Map((yield* users.findMany(events.map(({ user }) => user))).map((user) => [user.id, user]))
    // Packets may have contained some of them during the reads.
    const known = this.#known.get(node) ?? 0
    for (const { status, user, version, since } of changes) {
      if (version > known && version <= upTo) this.#set(node, user, status, since)
    }
    for (const { event, eventVersion, user } of events) {
      const found = named.get(user)
      if (event !== null && eventVersion > known && found !== undefined) this.#announce(event, found)
    }
    this.#advance(node, Math.max(known, upTo))
  })

  #announce(what: UserEvent["what"], user: User): void {
    const { presence, remote } = this.#deps
    const event: UserEvent = { _tag: "UserEvent", id: nextEphemeralId(), what, user: presence.of(user) }
    const broadcasts: ReadonlyArray<Broadcast> = [{ event, to: "everyone" }]
    remote.deliver(broadcasts)
    remote.observeBroadcasts(broadcasts)
  }
}
