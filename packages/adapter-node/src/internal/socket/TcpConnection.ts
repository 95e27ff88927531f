/** A `Connection` over a TCP socket. Frames are UTF-8 lines ended by `\n`; blank lines are ignored. */
import { plainAddress } from "@parley/core/ClientAddress"
import type { Frame, FrameParts } from "@parley/core/Frame"
import type { Socket } from "node:net"
import { isHttpRequestLine } from "./httpRequestLine.ts"
import { LineDecoder } from "./LineDecoder.ts"
import { type Options, SocketConnection } from "./SocketConnection.ts"

const encodeLine = ({ text }: Frame): Uint8Array => Buffer.from(`${text}\n`)

const utf8 = (text: string): Uint8Array => Buffer.from(text)
const END = utf8("\n")

const encodeParts = ({ chunks = [] }: Frame): FrameParts => {
  const all = chunks.map((chunk) => chunk.utf8(utf8))
  all.push(END)
  return { all, length: all.reduce((sum, part) => sum + part.length, 0) }
}

export class TcpConnection extends SocketConnection {
  readonly #socket: Socket
  readonly #lines: LineDecoder
  #hasFirstLine = false

  /**
   * `socket`: from a server with `allowHalfOpen`, so that a half-closed client still gets its replies. `ended`: called once,
   * after `Peer.closed`.
   */
  constructor(socket: Socket, options: Options, ended: (connection: SocketConnection) => void) {
    // First: a socket may fail immediately, and without a listener the error would end the process.
    socket.on("error", () => {})
    super(socket, plainAddress(socket.remoteAddress), options, ended)
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, options.heartbeat)
    this.#lines = new LineDecoder(options.frame, {
      line: (bytes) => this.#line(bytes),
      oversized: () => this.oversized()
    })
    socket.on("data", (chunk) => this.#read(typeof chunk === "string" ? Buffer.from(chunk) : chunk))
    socket.on("end", () => this.finish(1000, ""))
    socket.on("close", () => this.onClosed())
  }

  override limitFrames(bytes: number): void {
    super.limitFrames(bytes)
    this.#lines.limit = this.frame
  }

  #read(chunk: Buffer): void {
    // Data after the end is dropped: it would not be counted.
    if (!this.isOpen) return
    this.#lines.push(chunk)
    this.holding(this.#lines.held)
  }

  #line(bytes: Buffer): void {
    if (!this.#hasFirstLine) {
      this.#hasFirstLine = true
      if (isHttpRequestLine(bytes)) return this.httpRequest()
    }
    this.received(bytes)
  }

  override writable(): boolean {
    return this.#socket.writable
  }

  protected override encode(frame: Frame): Uint8Array {
    return frame.bytes("tcp", encodeLine)
  }

  protected override encodeParts(frame: Frame): FrameParts {
    return frame.parts("tcp", encodeParts)
  }

  protected override stopReading(): void {
    this.#socket.pause()
  }

  protected override startReading(): void {
    this.#socket.resume()
  }

  protected override end(): void {
    this.#socket.end()
  }

  override destroy(): void {
    this.#socket.destroy()
  }
}
