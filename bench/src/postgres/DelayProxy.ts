/** A TCP proxy that adds a delay in each direction, in place of a network. */
import { connect, createServer, type Socket } from "node:net"

export interface DelayProxy {
  readonly port: number
  readonly close: () => void
}

const forward = (from: Socket, to: Socket, milliseconds: number): void => {
  from.on("data", (bytes) => void setTimeout(() => to.write(bytes), milliseconds))
  from.on("error", () => to.destroy())
  from.on("close", () => void setTimeout(() => to.destroy(), milliseconds))
}

/** Starts a proxy before this port that delays each direction by at least so many milliseconds. */
export const delayProxy = (target: number, milliseconds: number): Promise<DelayProxy> =>
  new Promise((resolve) => {
    const sockets = new Set<Socket>()
    const server = createServer({ noDelay: true }, (client) => {
      const upstream = connect({ port: target, host: "127.0.0.1", noDelay: true })
      for (const socket of [client, upstream]) {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      }
      forward(client, upstream, milliseconds)
      forward(upstream, client, milliseconds)
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        close: () => {
          for (const socket of sockets) socket.destroy()
          server.close()
        }
      })
    })
  })
