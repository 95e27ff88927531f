/**
 * Port: packets between nodes that share a store. A bus only makes them faster: a packet may be lost, repeated or
 * reordered, and its contents are then read from the store.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

/** Packets between nodes that share a store. Delivery is best effort. */
export class Bus extends Context.Service<
  Bus,
  {
    /** Maximum size of a packet in bytes of UTF-8; 0 for a single node, which publishes nothing. */
    readonly maxBytes: number
    /** Sends a packet to the other nodes. Never fails and never waits. */
    readonly publish: (packet: string) => void
    /** Calls back for packets of other nodes until the returned function is called. Packets of this node may be among them. */
    readonly subscribe: (listener: (packet: string) => void) => () => void
    /** Whether packets are exchanged at present; true for a single node. */
    readonly isConnected: () => boolean
  }
>()("@parley/core/Bus") {
  /** Bus of a single node with its own store: does nothing. */
  static readonly layerSingle: Layer.Layer<Bus> = Layer.sync(Bus, () =>
    Bus.of({ maxBytes: 0, publish: () => {}, subscribe: () => () => {}, isConnected: () => true })
  )
}
