/** A `Connection` over a WebSocket of `ws`, server side. One message is one frame. */
import type { Frame, FrameParts } from "@parley/core/Frame"
import type { Duplex } from "node:stream"
import { type RawData, WebSocket } from "ws"
import { type Options, SocketConnection } from "./SocketConnection.ts"

const TEXT_FINAL = 0x81

const utf8 = (text: string): Uint8Array => Buffer.from(text)

/** Room for `room` bytes of a message of `length` bytes, behind the message's head. */
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

/** A server's text message on the wire: final, unmasked, not compressed (RFC 6455, 5.2). */
export const encodeText = (frame: Frame): Uint8Array => {
  const { chunks: pieces } = frame
  if (pieces === undefined) {
    const length = Buffer.byteLength(frame.text)
    const bytes = allocateFrame(length)
    bytes.write(frame.text, bytes.length - length)
    return bytes
  }
  let length = 0
  for (const piece of pieces) length += piece.utf8(utf8).length
  const bytes = allocateFrame(length)
  let at = bytes.length - length
  for (const piece of pieces) {
    const part = piece.utf8(utf8)
    // Most of them are a comma, for which a copy would be a detour.
    if (part.length === 1) bytes[at] = part[0] ?? 0
    else bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** The same in parts: its head, and the bytes of its pieces as they are. */
export const encodeParts = ({ chunks: pieces = [] }: Frame): FrameParts => {
  const all: Array<Uint8Array> = []
  let length = 0
  for (const piece of pieces) {
    const part = piece.utf8(utf8)
    length += part.length
    all.push(part)
  }
  const head = allocateFrame(length, 0)
  return { all: [head, ...all], length: head.length + length }
}

/** Codes that may be sent (RFC 6455, 7.4): the others are the protocol's own, or nobody's. */
const sendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)

/** A close reason has 123 bytes at most, and no half character at its end. */
const shortReason = (reason: string): string => {
  let short = reason
  while (Buffer.byteLength(short) > 123) short = Array.from(short).slice(0, -1).join("")
  return short
}

/** A message's bytes, in whichever shape `ws` has them. */
export const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)

const CONNECTION = Symbol("connection")

/** Listeners are told of their connection by this, since functions of its own for each would be a part of what it costs. */
interface Owned extends WebSocket {
  [CONNECTION]?: WebSocketConnection
}

interface OwnedSocket extends Duplex {
  [CONNECTION]?: WebSocketConnection
}

const MASK = 4
const CONTROL_HEAD = 2 + MASK
const headOf = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10) + MASK

/** Bytes of a message in fragments, heads and all, over the limit of a frame: tiny fragments have more head than content. */
const FRAGMENTS_FACTOR = 2

/** What went wrong is seen by the close that follows; without a listener it would end the process. */
const ignore = (): void => {}

function onMessage(this: Owned, data: RawData): void {
  this[CONNECTION]?.heard(bytesOf(data))
}

function onPong(this: Owned, data: Buffer): void {
  this[CONNECTION]?.alive()
  this[CONNECTION]?.taken(data.length + CONTROL_HEAD)
}

/** Bytes that came over a socket, once `ws` has read them. */
function onData(this: OwnedSocket, chunk: Buffer): void {
  this[CONNECTION]?.read(chunk.length)
}

/** A control frame of the client's: its payload is counted with its head and its mask. */
function onControlFrame(this: Owned, data: Buffer): void {
  this[CONNECTION]?.taken(data.length + CONTROL_HEAD)
}

function onClose(this: Owned): void {
  this[CONNECTION]?.closed()
}

export class WebSocketConnection extends SocketConnection {
  readonly #ws: Owned
  readonly #stopHeartbeat: () => void
  #paused = false
  #answered = true
  /** Bytes that came since the last whole message, and are in no control frame. */
  #unfinished = 0
  /** Bytes of what was whole among those that are being read, and whether a message was. */
  #taken = 0
  #hasMessage = false
  /** The client's frame is too large, or comes after the end: the rest of it is dropped. */
  #discards = false

  /**
   * `socket` is what `ws` runs over. Frames are written to it directly, so `ws` must not compress. Texts are checked here,
   * so that a frame that is none gets an answer: `ws` need not, and would end the connection. `address` is the client's.
   * `ended` is called once, after `Peer.closed`.
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
    // Behind the listener of `ws`, which has read the bytes then.
    socket.on("data", onData)
  }

  /** A message of the client's. */
  heard(bytes: Buffer): void {
    this.#hasMessage = true
    this.taken(bytes.length + headOf(bytes.length))
    if (bytes.length > this.frame) this.oversized()
    else this.received(bytes)
  }

  /** So many bytes of the client's were in something whole. */
  taken(bytes: number): void {
    this.#taken += bytes
  }

  /** So many bytes came, and `ws` has read them: what it keeps of them is in no message yet. */
  read(bytes: number): void {
    const unfinished = Math.max(0, this.#unfinished + bytes - this.#taken)
    // The heads of a message's fragments are not known: what is left of it came with these bytes.
    this.#unfinished = this.#hasMessage ? Math.min(unfinished, bytes) : unfinished
    this.#taken = 0
    this.#hasMessage = false
    if (this.#unfinished > FRAGMENTS_FACTOR * this.frame + MASK + 10) this.#discard()
    else this.holding(this.#unfinished)
  }

  /** No more of the client's frame is kept. Its end would not be seen, so this side ends the socket by itself. */
  #discard(): void {
    if (this.#discards) return
    this.#discards = true
    this.#unfinished = 0
    this.socket.removeAllListeners("data")
    this.socket.on("data", ignore)
    if (this.isOpen) this.oversized()
    else this.socket.end()
    this.holding(0)
  }

  /** A pong of the client's. */
  alive(): void {
    this.#answered = true
  }

  /** The WebSocket is closed, whoever closed it. */
  closed(): void {
    this.#stopHeartbeat()
    this.onClosed()
  }

  override writable(): boolean {
    return this.#ws.readyState === WebSocket.OPEN && this.socket.writable
  }

  protected override encode(frame: Frame): Uint8Array {
    return frame.bytes("websocket", encodeText)
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
    // A pong may be among what was not read.
    this.#answered = true
    this.#ws.resume()
  }

  protected override end(code: number, reason: string): void {
    this.#ws.close(sendable(code) ? code : 1000, shortReason(reason))
    if (this.#discards) this.socket.end()
  }

  override destroy(): void {
    this.#ws.terminate()
  }

  #beat(): void {
    if (this.#paused || this.#ws.readyState !== WebSocket.OPEN) return
    if (!this.#answered) return this.giveUp("the client did not answer a ping")
    this.#answered = false
    this.#ws.ping()
  }
}
