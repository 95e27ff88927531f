/**
 * Limits the sockets of an HTTP server per address, until they become WebSockets, which count as connections. Trusted proxies
 * are exempt: their sockets belong to all their clients.
 */
import { networkOf, plainAddress } from "@parley/core/ClientAddress"
import { type Slot, Slots } from "@parley/core/Slots"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"

interface Options {
  readonly sockets: number
  /** Maximum percentage of the sockets for one address. */
  readonly share: number
  readonly isTrusted: (peer: string | undefined) => boolean
  /** Called when a socket over the share was closed. */
  readonly dropped: (address: string) => void
}

export class SocketShares {
  readonly #slots: Slots
  readonly #options: Options
  readonly #held = new WeakMap<Duplex, Slot>()
  /** Shared by all sockets. */
  readonly #closed: (this: Duplex) => void

  constructor(options: Options) {
    this.#slots = new Slots(options.sockets, options.share)
    this.#options = options
    const held = this.#held
    this.#closed = function (this: Duplex): void {
      held.get(this)?.release()
    }
  }

  /** Listener of a server's `connection` event. */
  readonly opened = (socket: Socket): void => {
    const { remoteAddress } = socket
    const { dropped, isTrusted } = this.#options
    const address = plainAddress(remoteAddress)
    const slot = this.#slots.take(isTrusted(remoteAddress) ? "" : networkOf(address))
    if (slot === undefined) {
      dropped(address)
      socket.destroy()
      return
    }
    this.#held.set(socket, slot)
    socket.on("close", this.#closed)
  }

  /** Stops counting a socket that became a WebSocket. */
  upgraded(socket: Duplex): void {
    this.#held.get(socket)?.release()
    this.#held.delete(socket)
    socket.off("close", this.#closed)
  }
}
