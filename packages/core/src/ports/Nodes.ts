/**
 * Port: the nodes that share a store, and which users are connected to each. A node renews its lease every second; one
 * without a lease is considered dead, and its users offline.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { UserEvent } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { Status } from "../model/User.ts"
import type { StorageFailed } from "./Store.ts"

/** Milliseconds after its last renewal at which a lease ends. */
export const LEASE_MS = 6000

/** A node with a lease. */
export interface NodeLease {
  /** Unique for each start of a node. */
  readonly node: string
  /** Version of its newest saved presence; 0 if none is saved. */
  readonly presence: number
}

/** The status of a user on one node. Versions count the changes of one node, from 1. */
export interface NodePresence {
  readonly user: UserId
  /** `offline` for a user who was connected to the node. */
  readonly status: Status
  /** Version of the latest change of the status. */
  readonly version: number
  /** The latest event about the user that the node announced, and its version; null and 0 if there is none. */
  readonly event: UserEvent["what"] | null
  readonly eventVersion: number
}

/** Leases and presence of the nodes that share a store. */
export class Nodes extends Context.Service<
  Nodes,
  {
    /** Identity of the store, which its nodes have in common: at most 64 letters and digits, different for each store. */
    readonly storeId: Effect.Effect<string, StorageFailed>
    /** Renews the lease of this node for `LEASE_MS`, and returns all nodes with a lease, this one included. */
    readonly renew: (node: string) => Effect.Effect<ReadonlyArray<NodeLease>, StorageFailed>
    /** Saves the presence of users on this node up to `version`, each in place of the user's earlier one. */
    readonly savePresence: (
      node: string,
      version: number,
      users: ReadonlyArray<NodePresence>
    ) => Effect.Effect<void, StorageFailed>
    /** Presence of users on a node with a later change or event than `after`. */
    readonly presence: (node: string, after: number) => Effect.Effect<ReadonlyArray<NodePresence>, StorageFailed>
    /** Ends the lease of this node, and removes its presence. */
    readonly leave: (node: string) => Effect.Effect<void, StorageFailed>
  }
>()("@parley/core/Nodes") {
  /** Registry of a single node with its own store: does nothing. */
  static readonly layerSingle: Layer.Layer<Nodes> = Layer.sync(Nodes, () =>
    Nodes.of({
      storeId: Effect.succeed("single"),
      renew: () => Effect.succeed([]),
      savePresence: () => Effect.void,
      presence: () => Effect.succeed([]),
      leave: () => Effect.void
    })
  )
}
