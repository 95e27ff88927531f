/** One node's network link to a service: a TCP proxy that can stop forwarding, without closing any connection. */
import { connect, createServer, type Server, type Socket } from "node:net"

export class Link {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Connections that were opened while the link was cut. */
  #waiting: Array<Socket> = []
  #isCut = false
  /** Port of the service. */
  target: number

  private constructor(server: Server, target: number) {
    this.#server = server
    this.target = target
  }

  static async open(target: number): Promise<Link> {
    let link: Link | undefined
    const server = createServer({ noDelay: true }, (client) => {
      if (link !== undefined) link.#accept(client)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    link = new Link(server, target)
    return link
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }

  #keep(socket: Socket, other: Socket): void {
    this.#sockets.add(socket)
    socket.on("error", () => other.destroy())
    socket.on("close", () => {
      this.#sockets.delete(socket)
      other.destroy()
    })
    if (this.#isCut) socket.pause()
  }

  #accept(client: Socket): void {
    if (this.#isCut) {
      client.on("error", () => client.destroy())
      this.#waiting.push(client)
      return
    }
    const service = connect({ port: this.target, host: "127.0.0.1", noDelay: true })
    this.#keep(client, service)
    this.#keep(service, client)
    client.on("data", (bytes) => service.write(bytes))
    service.on("data", (bytes) => client.write(bytes))
  }

  /** Forwards nothing from now on, in neither direction. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** Forwards again, also what was sent meanwhile. */
  heal(): void {
    this.#isCut = false
    for (const socket of this.#sockets) socket.resume()
    const waiting = this.#waiting
    this.#waiting = []
    for (const client of waiting) if (!client.destroyed) this.#accept(client)
  }

  close(): void {
    for (const socket of [...this.#sockets, ...this.#waiting]) socket.destroy()
    this.#server.close()
  }
}
