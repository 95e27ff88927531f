/** Opens lines: WebSocket with a JSON text in each text frame, or TCP with a JSON text on each line. */
import { connect, type Socket } from "node:net"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { WebSocket } from "ws"
import { Connection, type Trace } from "./Connection.ts"

/** No connection could be opened. */
export class Unreachable extends Data.TaggedError("Unreachable")<{
  readonly address: string
  readonly message: string
}> {}

/** Over this a frame is a fault of the server; bytes. Far above what any scenario asks for. */
const largestFrame = 16 * 1024 * 1024
/** How long a polite close may take before the socket is destroyed, in milliseconds. */
const closeTimeout = 1_000
/** How long a connection may take to be there unless it is said otherwise, in milliseconds. */
const handshake = 10_000

interface OpenConnection {
  readonly line: Connection
  readonly destroy: () => void
}

const overWebSocket = (address: string, trace: Trace, patience: number) =>
  Effect.callback<OpenConnection, Unreachable>((resume) => {
    const refuse = (message: string) => resume(Effect.fail(new Unreachable({ address, message })))
    let socket: WebSocket
    try {
      socket = new WebSocket(address, {
        maxPayload: largestFrame,
        perMessageDeflate: false,
        handshakeTimeout: patience,
        followRedirects: false
      })
    } catch (cause) {
      return refuse(String(cause))
    }
    const destroy = () => socket.terminate()
    const line = new Connection(
      (text) => socket.send(text, () => undefined),
      () => {
        socket.close()
        setTimeout(destroy, closeTimeout).unref()
      },
      trace
    )
    let opened = false
    socket.on("open", () => {
      opened = true
      resume(Effect.succeed({ line, destroy }))
    })
    socket.on("message", (data: Buffer, binary) => {
      if (binary) line.fault("a binary frame")
      else line.receive(data.toString("utf8"))
    })
    socket.on("close", (code) => line.closed(code))
    socket.on("error", (error: Error & { readonly code?: string }) => {
      if (!opened) refuse(error.message === "" ? "refused" : error.message)
      // What breaks the WebSocket protocol is the server's fault; a reset is only one way to close.
      else if (error.code?.startsWith("WS_ERR") === true) line.fault(`the connection failed: ${error.message}`)
    })
    return Effect.sync(destroy)
  })

/** Cuts a byte stream into lines; bytes are only decoded when a line is whole, so no character is ever torn. */
const readLines = (socket: Socket, line: Connection): void => {
  let parts: Array<Buffer> = []
  let size = 0
  socket.on("data", (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const text = Buffer.concat([...parts, chunk.subarray(start, end)]).toString("utf8")
      parts = []
      size = 0
      start = end + 1
      if (text.trim() !== "") line.receive(text)
    }
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > largestFrame) {
      line.fault(`more than ${largestFrame} bytes without the end of a line`)
      socket.destroy()
    }
  })
  socket.on("end", () => {
    if (size > 0) line.fault("the last frame has no end of line")
    socket.end()
  })
}

const overTcp = (address: string, trace: Trace, patience: number) =>
  Effect.callback<OpenConnection, Unreachable>((resume) => {
    const refuse = (message: string) => resume(Effect.fail(new Unreachable({ address, message })))
    if (!URL.canParse(address)) return refuse("not an address of the form tcp://host:port")
    const { hostname, port } = new URL(address)
    const socket = connect({ host: hostname.replaceAll(/^\[|\]$/g, ""), port: Number(port), noDelay: true })
    const destroy = () => socket.destroy()
    const line = new Connection(
      (text) => socket.write(`${text}\n`),
      () => {
        socket.end()
        setTimeout(destroy, closeTimeout).unref()
      },
      trace
    )
    let opened = false
    socket.setTimeout(patience, () => {
      if (!opened) socket.destroy(new Error("no connection in time"))
    })
    socket.on("connect", () => {
      opened = true
      socket.setTimeout(0)
      resume(Effect.succeed({ line, destroy }))
    })
    readLines(socket, line)
    socket.on("close", () => line.closed(undefined))
    socket.on("error", (error) => {
      if (!opened) refuse(error.message === "" ? "refused" : error.message)
      // A reset is how some servers close on a frame that is too large; what it means is the scenario's to say.
    })
    return Effect.sync(destroy)
  })

/**
 * A connection to `ws://…`, `wss://…` or `tcp://host:port`, closed with the scope. It is there within `patience`
 * milliseconds, or not at all.
 */
export const openConnection = (
  address: string,
  trace: Trace,
  patience = handshake
): Effect.Effect<Connection, Unreachable, Scope.Scope> =>
  Effect.acquireRelease(
    address.startsWith("tcp:") ? overTcp(address, trace, patience) : overWebSocket(address, trace, patience),
    ({ destroy }) => Effect.sync(destroy)
  ).pipe(Effect.map(({ line }) => line))
