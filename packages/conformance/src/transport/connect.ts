/** Opens connections: WebSocket with a JSON text in each text frame, or TCP with a JSON text on each line. */
import { connect, type Socket } from "node:net"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { WebSocket } from "ws"
import { Connection, type Trace } from "./Connection.ts"

/** The connection could not be opened. */
export class Unreachable extends Data.TaggedError("Unreachable")<{
  /** Address of the server under test. */
  readonly address: string
  /** Reason, for a person. */
  readonly message: string
}> {}

/** The largest frame, in bytes; a larger one is a fault of the server. */
const largestFrame = 16 * 1024 * 1024
/** Milliseconds after which a closing socket is destroyed. */
const closeTimeout = 1_000
/** The default timeout of opening a connection, in milliseconds. */
const handshake = 10_000

interface OpenConnection {
  readonly connection: Connection
  readonly destroy: () => void
}

const overWebSocket = (address: string, trace: Trace, timeout: number) =>
  Effect.callback<OpenConnection, Unreachable>((resume) => {
    const refuse = (message: string) => resume(Effect.fail(new Unreachable({ address, message })))
    let socket: WebSocket
    try {
      socket = new WebSocket(address, {
        maxPayload: largestFrame,
        perMessageDeflate: false,
        handshakeTimeout: timeout,
        followRedirects: false
      })
    } catch (cause) {
      return refuse(String(cause))
    }
    const destroy = () => socket.terminate()
    const connection = new Connection(
      (text) => socket.send(text, () => undefined),
      () => {
        socket.close()
        setTimeout(destroy, closeTimeout).unref()
      },
      trace
    )
    let opened = false
    socket.on("upgrade", (response) => {
      connection.writeBytes = (bytes) => void response.socket.write(bytes)
    })
    socket.on("open", () => {
      opened = true
      resume(Effect.succeed({ connection, destroy }))
    })
    socket.on("message", (data: Buffer, binary) => {
      if (binary) connection.fault("a binary frame")
      else connection.receive(data.toString("utf8"))
    })
    socket.on("close", (code) => connection.closed(code))
    socket.on("error", (error: Error & { readonly code?: string }) => {
      if (!opened) refuse(error.message === "" ? "refused" : error.message)
      // A violation of the WebSocket protocol is a fault of the server; a reset is only a way to close.
      else if (error.code?.startsWith("WS_ERR") === true) connection.fault(`the connection failed: ${error.message}`)
    })
    return Effect.sync(destroy)
  })

/** Splits a byte stream into lines, and decodes complete lines only, so that no character is cut. */
const readLines = (socket: Socket, connection: Connection): void => {
  let parts: Array<Buffer> = []
  let size = 0
  socket.on("data", (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const text = Buffer.concat([...parts, chunk.subarray(start, end)]).toString("utf8")
      parts = []
      size = 0
      start = end + 1
      if (text.trim() !== "") connection.receive(text)
    }
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > largestFrame) {
      connection.fault(`more than ${largestFrame} bytes without a line end`)
      socket.destroy()
    }
  })
  socket.on("end", () => {
    if (size > 0) connection.fault("the last frame has no line end")
    socket.end()
  })
}

const overTcp = (address: string, trace: Trace, timeout: number) =>
  Effect.callback<OpenConnection, Unreachable>((resume) => {
    const refuse = (message: string) => resume(Effect.fail(new Unreachable({ address, message })))
    if (!URL.canParse(address)) return refuse("not an address of the form tcp://host:port")
    const { hostname, port } = new URL(address)
    const socket = connect({ host: hostname.replaceAll(/^\[|\]$/g, ""), port: Number(port), noDelay: true })
    const destroy = () => socket.destroy()
    const connection = new Connection(
      (text) => socket.write(`${text}\n`),
      () => {
        socket.end()
        setTimeout(destroy, closeTimeout).unref()
      },
      trace
    )
    let opened = false
    socket.setTimeout(timeout, () => {
      if (!opened) socket.destroy(new Error("no connection in time"))
    })
    socket.on("connect", () => {
      opened = true
      socket.setTimeout(0)
      resume(Effect.succeed({ connection, destroy }))
    })
    readLines(socket, connection)
    socket.on("close", () => connection.closed(undefined))
    socket.on("error", (error) => {
      if (!opened) refuse(error.message === "" ? "refused" : error.message)
      // Some servers reset on a frame that is too large; the scenario decides whether that is a failure.
    })
    return Effect.sync(destroy)
  })

/**
 * Opens a connection to `ws://…`, `wss://…` or `tcp://host:port`, closed with the scope. Fails with `Unreachable` after
 * `timeout` milliseconds.
 */
export const openConnection = (
  address: string,
  trace: Trace,
  timeout = handshake
): Effect.Effect<Connection, Unreachable, Scope.Scope> =>
  Effect.acquireRelease(
    address.startsWith("tcp:") ? overTcp(address, trace, timeout) : overWebSocket(address, trace, timeout),
    ({ destroy }) => Effect.sync(destroy)
  ).pipe(Effect.map(({ connection }) => connection))
