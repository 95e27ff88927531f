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

/** Facts of a node, for operators. */
export interface NodeFacts {
  /** Version of the program; "" if unknown. */
  readonly version: string
  /** Name of the machine; "" if unknown. */
  readonly host: string
  /** URL at which the node listens; "" if it does not, or while it starts. */
  readonly address: string
  /** Milliseconds since 1970, by the node's clock. */
  readonly startedAt: number
  /** Number of authenticated connections. */
  readonly connections: number
}

/** A live node with its facts, for operators. */
export interface ListedNode extends NodeFacts {
  /** Id of the node, unique for each start. */
  readonly node: string
  /** Milliseconds since the latest renewal of its lease. */
  readonly renewedAgo: number
}

/** Facts of this node that come from the host, which may change them while the engine runs. */
export const HostFacts: Context.Reference<Pick<NodeFacts, "version" | "host" | "address">> = Context.Reference(
  "@parley/core/HostFacts",
  { defaultValue: () => ({ version: "", host: "", address: "" }) }
)

/** A node with a lease. */
export interface NodeLease {
  /** Unique for each start of a node. */
  readonly node: string
  /** Version of its newest saved presence; 0 if none is saved. */
  readonly presence: number
  /** `LEASE_MS` after the latest renewal; milliseconds since 1970 by the registry's clock, which the nodes share. */
  readonly endsAt: number
}

/** The status of a user on one node. Versions count the changes of one node, from 1. */
export interface NodePresence {
  /** Id of the user. */
  readonly user: UserId
  /** `offline` for a user who was connected to the node. */
  readonly status: Status
  /** Version of the latest change of the status. */
  readonly version: number
  /** Time of the user's connection, by the registry's clock; 0 for `offline`. Of two nodes the later one has the user. */
  readonly since: number
  /** The latest event about the user that the node announced, and its version; null and 0 if there is none. */
  readonly event: UserEvent["what"] | null
  /** Version of `event`; 0 if there is none. */
  readonly eventVersion: number
}

/** Leases and presence of the nodes that share a store. */
export class Nodes extends Context.Service<
  Nodes,
  {
    /** Identity of the store, which its nodes have in common: at most 64 letters and digits, different for each store. */
    readonly storeId: Effect.Effect<string, StorageFailed>
    /** Renews the lease of this node for `LEASE_MS`, and returns all nodes with a lease, this one included. */
    readonly renew: (node: string, facts: NodeFacts) => Effect.Effect<ReadonlyArray<NodeLease>, StorageFailed>
    /** Saves the presence of users on this node up to `version`, each in place of the user's earlier one. */
    readonly savePresence: (
      node: string,
      version: number,
      users: ReadonlyArray<NodePresence>
    ) => Effect.Effect<void, StorageFailed>
    /** Presence of users on a node with a later change or event than `after`. */
    readonly presence: (node: string, after: number) => Effect.Effect<ReadonlyArray<NodePresence>, StorageFailed>
    /** Nodes with a lease, for operators: by their start. */
    readonly list: Effect.Effect<ReadonlyArray<ListedNode>, StorageFailed>
    /** Ends the lease of this node, and removes its presence. */
    readonly leave: (node: string) => Effect.Effect<void, StorageFailed>
  }
>()("@parley/core/Nodes") {
  /** Registry of a single node with its own store: does nothing. */
  static readonly layerSingle: Layer.Layer<Nodes> = Layer.sync(Nodes, () =>
    Nodes.of({
      storeId: Effect.succeed("single"),
      renew: () => Effect.succeed([]),
      list: Effect.succeed([]),
      savePresence: () => Effect.void,
      presence: () => Effect.succeed([]),
      leave: () => Effect.void
    })
  )
}
