/** A `Connection` over a WebSocket of `ws`, server side. One message is one frame. */
import type { Frame, FrameParts } from "@parley/core/Frame"
import type { Duplex } from "node:stream"
import { type RawData, WebSocket } from "ws"
import { type Options, SocketConnection } from "./SocketConnection.ts"

const TEXT_FINAL = 0x81
const BINARY_FINAL = 0x82

const utf8 = (text: string): Uint8Array => Buffer.from(text)

/** Allocates a frame with the head of a message of `length` bytes and `room` bytes behind it. */
const allocateFrame = (length: number, room = length): Buffer => {
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(head + room)
  bytes[0] = TEXT_FINAL
  if (head === 2) bytes[1] = length
  else if (head === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeBigUInt64BE(BigInt(length), 2)
  }
  return bytes
}

/** Encodes a server's text message: final, unmasked, uncompressed (RFC 6455, 5.2). */
export const encodeText = (frame: Frame): Uint8Array => {
  const { chunks } = frame
  if (chunks === undefined) {
    const length = Buffer.byteLength(frame.text)
    const bytes = allocateFrame(length)
    bytes.write(frame.text, bytes.length - length)
    return bytes
  }
  let length = 0
  for (const chunk of chunks) length += chunk.utf8(utf8).length
  const bytes = allocateFrame(length)
  let at = bytes.length - length
  for (const chunk of chunks) {
    const part = chunk.utf8(utf8)
    // Most single bytes are commas; assignment is faster than a copy.
    if (part.length === 1) bytes[at] = part[0] ?? 0
    else bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Encodes a server's binary message. */
export const encodeBinary = ({ binary = new Uint8Array(0) }: Frame): Uint8Array => {
  const bytes = allocateFrame(binary.length)
  bytes[0] = BINARY_FINAL
  bytes.set(binary, bytes.length - binary.length)
  return bytes
}

/** Encodes a text message as a head and the unmodified bytes of its chunks. */
export const encodeParts = ({ chunks = [] }: Frame): FrameParts => {
  const all: Array<Uint8Array> = []
  let length = 0
  for (const chunk of chunks) {
    const part = chunk.utf8(utf8)
    length += part.length
    all.push(part)
  }
  const head = allocateFrame(length, 0)
  return { all: [head, ...all], length: head.length + length }
}

/** Whether a close code may be sent (RFC 6455, 7.4). */
const sendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)

/** Truncates a close reason to at most 123 bytes at a character boundary. */
const shortReason = (reason: string): string => {
  let short = reason
  while (Buffer.byteLength(short) > 123) short = Array.from(short).slice(0, -1).join("")
  return short
}

/** Returns a message's bytes from any representation of `ws`. */
export const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)

const CONNECTION = Symbol("connection")

/** Links a WebSocket to its connection, so that all of them share their listeners. */
interface Owned extends WebSocket {
  [CONNECTION]?: WebSocketConnection
}

interface OwnedSocket extends Duplex {
  [CONNECTION]?: WebSocketConnection
}

const MASK = 4
const CONTROL_HEAD = 2 + MASK
const headOf = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10) + MASK

/** Maximum bytes of a fragmented message, as a multiple of the frame limit: tiny fragments consist mostly of heads. */
const FRAGMENTS_FACTOR = 2

/** A close event follows; without a listener the error would end the process. */
const ignore = (): void => {}

function onMessage(this: Owned, data: RawData, isBinary: boolean): void {
  this[CONNECTION]?.onMessage(bytesOf(data), isBinary)
}

function onPong(this: Owned, data: Buffer): void {
  this[CONNECTION]?.onPong()
  this[CONNECTION]?.countFrame(data.length + CONTROL_HEAD)
}

/** Called after `ws` has read a chunk. */
function onData(this: OwnedSocket, chunk: Buffer): void {
  this[CONNECTION]?.read(chunk.length)
}

/** Counts a control frame with head and mask. */
function onControlFrame(this: Owned, data: Buffer): void {
  this[CONNECTION]?.countFrame(data.length + CONTROL_HEAD)
}

function onClose(this: Owned): void {
  this[CONNECTION]?.onClose()
}

export class WebSocketConnection extends SocketConnection {
  readonly #ws: Owned
  readonly #stopHeartbeat: () => void
  #paused = false
  /** Whether the client replied to the last ping. */
  #hasPong = true
  /** Bytes received since the last complete message, without control frames. */
  #unfinished = 0
  /** Bytes of complete frames in the current chunk, and whether it completed a message. */
  #completed = 0
  #hasMessage = false
  /** Whether the rest of the client's frame is dropped. */
  #isDiscarding = false

  /**
   * `socket`: the socket of `ws`. Frames are written to it directly, so `ws` must not compress. UTF-8 is checked here, so
   * that invalid frames get an error reply instead of a close by `ws`. `address`: the client's. `ended`: called once, after
   * `Peer.closed`.
   */
  constructor(
    ws: WebSocket,
    socket: Duplex,
    address: string,
    options: Options,
    ended: (connection: SocketConnection) => void
  ) {
    super(socket, address, options, ended)
    this.#ws = ws
    this.#ws[CONNECTION] = this
    this.#stopHeartbeat = options.every(options.heartbeat, () => this.#beat())
    ws.on("error", ignore)
    ws.on("message", onMessage)
    ws.on("ping", onControlFrame)
    ws.on("pong", onPong)
    ws.on("close", onClose)
    const owned: OwnedSocket = socket
    owned[CONNECTION] = this
    // After the listener of `ws`, which has read the bytes by then.
    socket.on("data", onData)
  }

  /** Handles a client's message. */
  onMessage(bytes: Buffer, isBinary: boolean): void {
    this.#hasMessage = true
    this.countFrame(bytes.length + headOf(bytes.length))
    if (bytes.length > this.frame) this.oversized()
    else this.received(bytes, isBinary)
  }

  /** Counts bytes of a complete frame. */
  countFrame(bytes: number): void {
    this.#completed += bytes
  }

  /** Counts a chunk read by `ws`, which keeps the bytes of unfinished messages. */
  read(bytes: number): void {
    const unfinished = Math.max(0, this.#unfinished + bytes - this.#completed)
    // The heads of fragments are unknown: the rest is at most this chunk.
    this.#unfinished = this.#hasMessage ? Math.min(unfinished, bytes) : unfinished
    this.#completed = 0
    this.#hasMessage = false
    if (this.#unfinished > FRAGMENTS_FACTOR * this.frame + MASK + 10) this.#discard()
    else this.holding(this.#unfinished)
  }

  /** Drops the client's frame. Its end is not detected, so this side ends the socket. */
  #discard(): void {
    if (this.#isDiscarding) return
    this.#isDiscarding = true
    this.#unfinished = 0
    this.socket.removeAllListeners("data")
    this.socket.on("data", ignore)
    if (this.isOpen) this.oversized()
    else this.socket.end()
    this.holding(0)
  }

  /** Handles a pong. */
  onPong(): void {
    this.#hasPong = true
  }

  /** Handles the close of the WebSocket by either side. */
  onClose(): void {
    this.#stopHeartbeat()
    this.onClosed()
  }

  override writable(): boolean {
    return this.#ws.readyState === WebSocket.OPEN && this.socket.writable
  }

  protected override encode(frame: Frame): Uint8Array {
    return frame.bytes("websocket", frame.binary === undefined ? encodeText : encodeBinary)
  }

  protected override encodeParts(frame: Frame): FrameParts {
    return frame.parts("websocket", encodeParts)
  }

  protected override stopReading(): void {
    this.#paused = true
    this.#ws.pause()
  }

  protected override startReading(): void {
    if (!this.#paused) return
    this.#paused = false
    // A pong may be in the unread data.
    this.#hasPong = true
    this.#ws.resume()
  }

  protected override end(code: number, reason: string): void {
    this.#ws.close(sendable(code) ? code : 1000, shortReason(reason))
    if (this.#isDiscarding) this.socket.end()
  }

  override destroy(): void {
    this.#ws.terminate()
  }

  #beat(): void {
    if (this.#paused || this.#ws.readyState !== WebSocket.OPEN) return
    if (!this.#hasPong) return this.drop("the client did not answer a ping")
    this.#hasPong = false
    this.#ws.ping()
  }
}
