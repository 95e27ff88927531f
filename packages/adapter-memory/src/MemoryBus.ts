/** Packets between engines of one process that share a store. */
import { Bus } from "@parley/core/Bus"

/** Size of a packet, as that of a bus across a network. */
const MAX_BYTES = 256 * 1024

/** A bus between engines of one process. */
export class MemoryBus {
  readonly #listeners = new Set<(packet: string) => void>()

  /** Returns the bus of one more engine. A packet is delivered to all others in a later microtask. */
  connect({ maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {}): Bus["Service"] {
    let own: ((packet: string) => void) | undefined
    return Bus.of({
      maxBytes,
      publish: (packet) => {
        for (const listener of this.#listeners) {
          if (listener !== own) void Promise.resolve().then(() => this.#call(listener, packet))
        }
      },
      subscribe: (listener) => {
        own = listener
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
      isConnected: () => true
    })
  }

  #call(listener: (packet: string) => void, packet: string): void {
    if (this.#listeners.has(listener)) listener(packet)
  }
}
