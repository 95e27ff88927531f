/**
 * TCP proxy between clients and a server that injects random faults: cuts connections, delays bytes, half-closes, or
 * silently drops one direction.
 */
import * as net from "node:net"

export interface Faults {
  /** Probabilities in [0, 1) for each chunk. */
  readonly cut: number
  readonly delay: number
  readonly halfClose: number
  readonly blackhole: number
  /** Maximum delay in milliseconds. */
  readonly maxDelay: number
}

export const NO_FAULTS: Faults = { cut: 0, delay: 0, halfClose: 0, blackhole: 0, maxDelay: 0 }

export interface Counts {
  connections: number
  cuts: number
  delays: number
  halfCloses: number
  blackholes: number
}

export class Proxy {
  readonly counts: Counts = { connections: 0, cuts: 0, delays: 0, halfCloses: 0, blackholes: 0 }
  faults: Faults = NO_FAULTS
  /** Port of the server; changes when it is restarted. */
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

  /** Cuts all connections. */
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
    this.#forward(client, server, both)
    this.#forward(server, client, both)
    server.on("error", () => client.destroy())
  }

  #forward(from: net.Socket, to: net.Socket, both: ReadonlyArray<net.Socket>): void {
    let isBlackhole = false
    let ended = false
    let isDelayed = false
    from.on("data", (bytes: Buffer) => {
      if (isBlackhole || ended) return
      const { cut, delay, halfClose, blackhole, maxDelay } = this.faults
      const draw = this.#random()
      if (draw < cut) {
        this.counts.cuts++
        // Half of the chunk still arrives: a cut may fall anywhere.
        to.write(bytes.subarray(0, bytes.length >> 1), () => {
          for (const one of both) one.destroy()
        })
        ended = true
      } else if (draw < cut + halfClose) {
        this.counts.halfCloses++
        ended = true
        to.end(bytes)
      } else if (draw < cut + halfClose + blackhole) {
        this.counts.blackholes++
        isBlackhole = true
      } else if (draw < cut + halfClose + blackhole + delay) {
        this.counts.delays++
        isDelayed = true
        from.pause()
        setTimeout(() => {
          isDelayed = false
          // Delayed bytes arrive even if their sender has closed meanwhile.
          if (from.destroyed) to.end(bytes)
          else to.write(bytes)
          from.resume()
        }, this.#random() * maxDelay)
      } else to.write(bytes)
    })
    from.on("end", () => {
      if (!ended) to.end()
      ended = true
    })
    from.on("close", () => {
      if (!isDelayed) to.destroy()
    })
  }
}

/** Returns a generator of numbers in [0, 1) from a seed: mulberry32. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
