/**
 * A TCP proxy between the clients and the server. It is calm, or makes trouble as its dice fall: cuts connections off,
 * holds bytes back, closes one direction only, or swallows one direction without a word.
 */
import * as net from "node:net"

export interface Trouble {
  /** Chance in [0, 1) for each chunk that passes. */
  readonly cut: number
  readonly delay: number
  readonly halfClose: number
  readonly swallow: number
  /** Milliseconds that bytes are held back, at most. */
  readonly longest: number
}

export const CALM: Trouble = { cut: 0, delay: 0, halfClose: 0, swallow: 0, longest: 0 }

export interface Counts {
  connections: number
  cuts: number
  delays: number
  halfCloses: number
  swallows: number
}

export class Proxy {
  readonly counts: Counts = { connections: 0, cuts: 0, delays: 0, halfCloses: 0, swallows: 0 }
  trouble: Trouble = CALM
  /** The server's port, which changes when it is started anew. */
  target = 0
  readonly #random: () => number
  readonly #server = net.createServer((socket) => this.#accept(socket))
  readonly #sockets = new Set<net.Socket>()

  constructor(random: () => number) {
    this.#random = random
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`
  }

  /** Breaks all connections off. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cutAll()
    await closed
  }

  #accept(client: net.Socket): void {
    this.counts.connections++
    const server = net.connect({ host: "127.0.0.1", port: this.target, allowHalfOpen: true, noDelay: true })
    client.allowHalfOpen = true
    client.setNoDelay(true)
    const both = [client, server]
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => this.#sockets.delete(socket))
    }
    this.#carry(client, server, both)
    this.#carry(server, client, both)
    server.on("error", () => client.destroy())
  }

  #carry(from: net.Socket, to: net.Socket, both: ReadonlyArray<net.Socket>): void {
    let swallowing = false
    let ended = false
    let held = false
    from.on("data", (bytes: Buffer) => {
      if (swallowing || ended) return
      const { cut, delay, halfClose, swallow, longest } = this.trouble
      const dice = this.#random()
      if (dice < cut) {
        this.counts.cuts++
        // Half of what was under way still arrives, as it may be anywhere.
        to.write(bytes.subarray(0, bytes.length >> 1), () => {
          for (const one of both) one.destroy()
        })
        ended = true
      } else if (dice < cut + halfClose) {
        this.counts.halfCloses++
        ended = true
        to.end(bytes)
      } else if (dice < cut + halfClose + swallow) {
        this.counts.swallows++
        swallowing = true
      } else if (dice < cut + halfClose + swallow + delay) {
        this.counts.delays++
        held = true
        from.pause()
        setTimeout(() => {
          held = false
          // What was held back arrives, also if whoever sent it has gone long ago.
          if (from.destroyed) to.end(bytes)
          else to.write(bytes)
          from.resume()
        }, this.#random() * longest)
      } else to.write(bytes)
    })
    from.on("end", () => {
      if (!ended) to.end()
      ended = true
    })
    from.on("close", () => {
      if (!held) to.destroy()
    })
  }
}

/** Numbers in [0, 1) from a seed: mulberry32. */
export const dice = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
