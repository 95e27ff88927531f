/** A proxy before PostgreSQL that counts round trips, and loses connections at a chosen moment. */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** Fault of the next request of a client. */
type Fault =
  /** The server gets it, and its reply is lost with the connection. */
  | "lose reply"
  /** The server does not get it: the connection is lost before. */
  | "lose request"
  /** The server does not get it, and the connection stays. */
  | "swallow"

export class Proxy {
  readonly url: string
  readonly #port: number
  /** Whether connections are refused. */
  isDown = false
  /** Whether nothing is forwarded, as if the server was stopped: connections stay, and are accepted. */
  #isFrozen = false
  /** Round trips since `reset`. */
  roundTrips = 0
  #fault: { readonly kind: Fault; readonly matches: (request: Buffer) => boolean } | undefined
  #onRoundTrip = (): void => {}
  readonly sockets = new Set<Socket>()

  constructor(url: string, port: number) {
    this.url = url
    this.#port = port
  }

  reset(): void {
    this.roundTrips = 0
  }

  /** Resolves after so many further round trips. */
  after(count: number): Promise<void> {
    const target = this.roundTrips + count
    return new Promise((resolve) => {
      this.#onRoundTrip = () => {
        if (this.roundTrips >= target) resolve()
      }
    })
  }

  /** Applies the fault to the next request that contains `text`. */
  next(kind: Fault, text: string): void {
    this.#fault = { kind, matches: (request) => request.includes(text) }
  }

  /** Whether the fault has happened. */
  get isDone(): boolean {
    return this.#fault === undefined
  }

  /** Loses all connections, and refuses new ones. */
  down(): void {
    this.isDown = true
    for (const socket of this.sockets) socket.destroy()
  }

  /** Forwards nothing until `thaw`. */
  freeze(): void {
    this.#isFrozen = true
    for (const socket of this.sockets) socket.pause()
  }

  /** Forwards again, first what has arrived meanwhile. */
  thaw(): void {
    this.#isFrozen = false
    for (const socket of this.sockets) socket.resume()
  }

  serve(client: Socket): void {
    if (this.isDown) {
      client.destroy()
      return
    }
    const server = connect({ port: this.#port, host: "127.0.0.1", noDelay: true })
    let isAwaiting = false
    let isLosing = false
    let isSwallowing = false
    const end = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      this.sockets.add(socket)
      socket.on("error", end)
      socket.on("close", () => {
        this.sockets.delete(socket)
        end()
      })
    }
    client.on("data", (request: Buffer) => {
      if (!isAwaiting) {
        this.roundTrips++
        this.#onRoundTrip()
      }
      isAwaiting = true
      const fault = this.#fault
      if (fault?.matches(request) === true) {
        this.#fault = undefined
        if (fault.kind === "lose request") return end()
        isLosing = fault.kind === "lose reply"
        isSwallowing = fault.kind === "swallow"
      }
      if (!isSwallowing) server.write(request)
    })
    server.on("data", (reply: Buffer) => {
      isAwaiting = false
      if (isLosing) return end()
      if (!isSwallowing) client.write(reply)
    })
    if (this.#isFrozen) for (const socket of [client, server]) socket.pause()
  }
}

/** Starts a proxy before the server of this URL, until the scope closes. */
export const startProxy = (url: string): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = Number(new URL(url).port)
    let proxy: Proxy | undefined
    const server = createServer({ noDelay: true }, (client) => proxy?.serve(client))
    const own = yield* Effect.acquireRelease(
      Effect.promise(
        () =>
          new Promise<number>((resolve) =>
            server.listen(0, "127.0.0.1", () => {
              const address = server.address()
              resolve(typeof address === "object" && address !== null ? address.port : 0)
            })
          )
      ),
      () =>
        Effect.promise(
          () =>
            new Promise<void>((resolve) => {
              for (const socket of proxy?.sockets ?? []) socket.destroy()
              server.close(() => resolve())
            })
        )
    )
    const through = new URL(url)
    through.port = String(own)
    proxy = new Proxy(through.href, port)
    return proxy
  })
