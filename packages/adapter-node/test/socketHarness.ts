/** Real servers and real clients for tests, on loopback addresses and free ports. */
import type { Accept } from "@parley/core/Connection"
import type { Client, Harness, Listener } from "@parley/core/testing/ConnectionHarness"
import { Effect, type Scope } from "effect"
import * as http from "node:http"
import * as net from "node:net"
import { WebSocket } from "ws"
import * as Host from "../src/internal/http/HttpHost.ts"
import type { Address } from "../src/internal/http/listen.ts"
import { serveHttp } from "../src/serveHttp.ts"
import { bytesOf } from "../src/internal/socket/WebSocketConnection.ts"

export const FRAME = 16 * 1024
export const SEND_BUFFER = 256 * 1024
export const LOOPBACK: Address = { host: "127.0.0.1", port: 0 }

/** Connections end soon in tests: nothing is under way for long. */
export const quick = { frame: FRAME, sendBuffer: SEND_BUFFER, linger: 50, goodbye: 2000 } as const

/** JSON, but for a lone first byte of two, and one that is nowhere in UTF-8. */
export const GARBLED = Buffer.from([0x22, 0xc3, 0x28, 0xff, 0x22])

export const webSocketClient = (
  url: string,
  listener: Partial<Listener> = {}
): Effect.Effect<Client & { readonly ws: WebSocket }, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<WebSocket, Error>((resume) => {
      const ws = new WebSocket(url, { perMessageDeflate: false })
      ws.on("message", (data) => listener.frame?.(bytesOf(data).toString()))
      ws.on("close", () => listener.ended?.())
      ws.once("error", (error) => resume(Effect.fail(error)))
      ws.on("error", () => {})
      ws.once("open", () => resume(Effect.succeed(ws)))
    }),
    (ws) => Effect.sync(() => ws.terminate())
  ).pipe(
    Effect.map((ws) => ({
      ws,
      send: (text) => ws.send(text),
      sendGarbled: () => ws.send(GARBLED, { binary: false }),
      sendPart: (bytes) => ws.send("x".repeat(bytes), { fin: false }),
      stopReading: () => ws.pause(),
      close: () => ws.close()
    }))
  )

export const tcpClient = (
  address: Address,
  listener: Partial<Listener> = {}
): Effect.Effect<Client & { readonly socket: net.Socket }, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<net.Socket, Error>((resume) => {
      const socket = net.connect(address)
      let rest = ""
      socket.setEncoding("utf8")
      socket.on("data", (chunk) => {
        const lines = (rest + String(chunk)).split("\n")
        rest = lines.pop() ?? ""
        for (const line of lines) listener.frame?.(line)
      })
      socket.on("close", () => listener.ended?.())
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.on("error", () => {})
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  ).pipe(
    Effect.map((socket) => ({
      socket,
      send: (text) => {
        socket.write(`${text}\n`)
      },
      sendGarbled: () => {
        socket.write(Buffer.concat([GARBLED, Buffer.from("\n")]))
      },
      sendPart: (bytes) => {
        socket.write("x".repeat(bytes))
      },
      stopReading: () => {
        socket.pause()
      },
      close: () => {
        socket.end()
      }
    }))
  )

/** A host with one WebSocket endpoint at `/ws` on a server of its own. */
export const webSocketServer = (accept: Accept, connection: Host.Options["connection"] = quick) =>
  Effect.gen(function* () {
    const host = yield* Host.make({
      endpoints: [{ _tag: "WebSocket", path: "/ws", accept }],
      connection: { ...connection }
    })
    const { port } = yield* serveHttp(host, LOOPBACK)
    return { host, port, url: `ws://127.0.0.1:${port}/ws` }
  })

/** A host with a TCP endpoint. */
export const tcpServer = (accept: Accept, connection: Host.Options["connection"] = quick) =>
  Effect.gen(function* () {
    const host = yield* Host.make({ endpoints: [{ _tag: "Tcp", accept }], connection: { ...connection } })
    const address = yield* host.listenTcp(LOOPBACK)
    return { host, address }
  })

export const webSocketHarness: Harness = {
  transport: "websocket",
  frame: FRAME,
  sendBuffer: SEND_BUFFER,
  open: Effect.fnUntraced(function* (accept, listener) {
    const { url } = yield* webSocketServer(accept)
    return yield* webSocketClient(url, listener)
  })
}

export const tcpHarness: Harness = {
  transport: "tcp",
  frame: FRAME,
  sendBuffer: SEND_BUFFER,
  open: Effect.fnUntraced(function* (accept, listener) {
    const { address } = yield* tcpServer(accept)
    return yield* tcpClient(address, listener)
  })
}

/** A server of somebody else, as long as the scope lives. */
export const foreignServer = (
  listener?: http.RequestListener
): Effect.Effect<{ server: http.Server; port: number }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ server: http.Server; port: number }>((resume) => {
      const server = http.createServer(listener)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({ server, port: typeof address === "object" && address !== null ? address.port : 0 }))
      })
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )

export const HANDSHAKE =
  "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

/** A connection that completes the WebSocket handshake and then ignores everything, including pings. */
export const deafClient = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket>((resume) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.write(HANDSHAKE)
      })
      socket.on("error", () => {})
      socket.once("data", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
