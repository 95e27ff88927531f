/**
 * The whole engine as one layer on a store and a password hash. A transport and a protocol connect by `Acceptor` and a
 * dialect; commands need neither.
 */
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import { Bus } from "../ports/Bus.ts"
import { Fence } from "../ports/Fence.ts"
import { Nodes } from "../ports/Nodes.ts"
import { CommitCounts, countCommits } from "../engine/CommitCounts.ts"
import { fenceStore } from "../engine/fenceStore.ts"
import * as NodeLink from "../nodes/NodeLink.ts"
import { Credentials } from "../auth/Credentials.ts"
import { Engine } from "../engine/Engine.ts"
import { Hub } from "../delivery/Hub.ts"
import * as ExpiringChats from "./ExpiringChats.ts"
import { Leases } from "./Leases.ts"
import * as LogThrottle from "../logging/LogThrottle.ts"
import { Metrics } from "./Metrics.ts"
import { OfflineQueue } from "./OfflineQueue.ts"
import type { Passwords } from "../ports/Passwords.ts"
import { Permissions } from "./Permissions.ts"
import { CursorStore } from "../delivery/CursorStore.ts"
import { Acceptor } from "../session/Acceptor.ts"
import { Sessions } from "../auth/Sessions.ts"
import { StorageHealth, watchStore } from "../engine/StorageHealth.ts"
import type { Store } from "../ports/Store.ts"
import { Users } from "./Users.ts"

/** Services of the engine. Commands of users (`Command`) go through `Engine.perform`. */
export type Services =
  | Bus
  | Nodes
  | Credentials
  | Engine
  | Fence
  | Hub
  | Leases
  | Metrics
  | OfflineQueue
  | Permissions
  | CursorStore
  | Acceptor
  | Sessions
  | StorageHealth
  | Users
  | Digest.Digest
  | SecureRandom.SecureRandom

/** The ports of a single node with its own store. */
export const singleNode: Layer.Layer<Bus | Nodes> = Layer.merge(Bus.layerSingle, Nodes.layerSingle)

/** Returns the ports of nodes with another bus than their own. */
export const onBus = <E>(
  nodes: Layer.Layer<Bus | Nodes, E>,
  bus: Layer.Layer<Bus, E, Nodes> | undefined
): Layer.Layer<Bus | Nodes, E> => (bus === undefined ? nodes : Layer.provideMerge(bus, nodes))

/**
 * Layer for a single node with its own store; `layerOn` takes another bus, and for tests a seeded source of randomness.
 */
export const layer: Layer.Layer<Services, never, Store | Passwords> = layerOn(singleNode)

/**
 * Layer of the engine as one of several nodes that share a store, by their bus and registry; for tests also with a seeded
 * source of randomness, and digests without threads.
 */
export function layerOn<E>(
  nodes: Layer.Layer<Bus | Nodes, E>,
  random: Layer.Layer<SecureRandom.SecureRandom> = SecureRandom.layerWebCrypto,
  digest: Layer.Layer<Digest.Digest> = Digest.layerWebCrypto
): Layer.Layer<Services, E, Store | Passwords> {
  const storage = fenceStore.pipe(
    Layer.provideMerge(countCommits),
    Layer.provideMerge(CommitCounts.layer),
    Layer.provideMerge(watchStore),
    Layer.provideMerge(StorageHealth.layer),
    Layer.provideMerge(Layer.mergeAll(nodes, Fence.layer, LogThrottle.layer))
  )
  const base = Layer.mergeAll(Hub.layer, CursorStore.layer, digest, random).pipe(Layer.provideMerge(storage))
  const engine = Engine.layer.pipe(Layer.provideMerge(base))
  const credentials = Credentials.layer.pipe(Layer.provideMerge(engine))
  const sessions = Sessions.layer.pipe(Layer.provideMerge(credentials))
  const services = Layer.mergeAll(
    ExpiringChats.layer,
    Leases.layer,
    OfflineQueue.layer,
    Permissions.layer,
    Acceptor.layer,
    Users.layer
  ).pipe(Layer.provideMerge(sessions))
  return Layer.merge(NodeLink.layer, Metrics.layer).pipe(Layer.provideMerge(services))
}
