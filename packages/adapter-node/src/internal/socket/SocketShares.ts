/**
 * Sockets of an HTTP server of its own, shared out among addresses: those that have not become WebSockets, which are counted
 * as connections. A trusted proxy has no share of its own, since its sockets are those of all its clients.
 */
import { networkOf, plainAddress } from "@parley/core/ClientAddress"
import { type Slot, Slots } from "@parley/core/Slots"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"

interface Options {
  readonly sockets: number
  /** Percent of them for one address. */
  readonly share: number
  readonly isTrusted: (peer: string | undefined) => boolean
  /** An address has its share: a socket was closed. */
  readonly dropped: (address: string) => void
}

export class SocketShares {
  readonly #slots: Slots
  readonly #options: Options
  readonly #held = new WeakMap<Duplex, Slot>()
  /** One for all sockets. */
  readonly #closed: (this: Duplex) => void

  constructor(options: Options) {
    this.#slots = new Slots(options.sockets, options.share)
    this.#options = options
    const held = this.#held
    this.#closed = function (this: Duplex): void {
      held.get(this)?.release()
    }
  }

  /** For the event `connection` of a server. */
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

  /** The socket is a WebSocket from here on. */
  upgraded(socket: Duplex): void {
    this.#held.get(socket)?.release()
    this.#held.delete(socket)
    socket.off("close", this.#closed)
  }
}
