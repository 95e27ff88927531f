/** Base of connections over a socket, for any frame format. */
import { type Accept, type Connection, type Handshake, type Peer, nextConnectionId } from "@parley/core/Connection"
import type { Frame, FrameParts } from "@parley/core/Frame"
import { isUtf8 } from "node:buffer"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { WriteQueue, type WriteTarget } from "./WriteQueue.ts"

export interface Options {
  /** Maximum UTF-8 bytes of a client's frame. */
  readonly frame: number
  /** Maximum bytes queued for a client that does not read. */
  readonly sendBuffer: number
  /** Milliseconds between two pings; a client that does not reply with a pong in between is dropped. WebSocket only. */
  readonly heartbeat: number
  /** Milliseconds without progress after which a client that does not read its replies is dropped. */
  readonly stall: number
  /**
   * Milliseconds without a frame in either direction after which no reply is expected any more. Until then a half-closed or
   * closing connection still gets its replies.
   */
  readonly lingerTimeout: number
  /** Milliseconds for the client to read the rest and to close its side; then the socket is destroyed. */
  readonly closeTimeout: number
  /** Calls `tick` at this interval until the returned function is called. Default: a timer; tests replace it. */
  readonly every: (milliseconds: number, tick: () => void) => () => void
  /** Called when a connection is dropped, with the reason for the log. */
  readonly dropped: (connection: Connection, reason: string) => void
  /** Called with an error thrown by the session; the connection is closed with 1011. */
  readonly defect: (cause: unknown) => void
}

/**
 * Number of stall times without progress before a reader is dropped. The kernel accepts more only when about a third of its
 * send buffer (over a megabyte) is free, so a slow but steady reader may show no progress for longer than one stall time.
 */
export const READER_STALLS = 4

export const defaultOptions: Options = {
  frame: 1024 * 1024,
  sendBuffer: 8 * 1024 * 1024,
  heartbeat: 30_000,
  stall: 30_000,
  lingerTimeout: 1000,
  closeTimeout: 10_000,
  every: (milliseconds, tick) => {
    const timer = setInterval(tick, milliseconds).unref()
    return () => clearInterval(timer)
  },
  dropped: () => {},
  defect: (cause) => {
    // Reported without a crash.
    process.emitWarning(cause instanceof Error ? cause : new Error(String(cause)))
  }
}

/** Whether the bytes begin with a byte order mark. */
const hasByteOrderMark = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf

/** Returns a frame's text without its byte order mark; undefined for invalid UTF-8. */
const textOf = (bytes: Buffer): string | undefined =>
  isUtf8(bytes) ? bytes.toString("utf8", hasByteOrderMark(bytes) ? 3 : 0) : undefined

const CONNECTION = Symbol("connection")

/** Links a socket to its connection, so that all sockets share their listeners. */
interface Owned extends Duplex {
  [CONNECTION]?: SocketConnection
}

function onStalled(this: Owned): void {
  this[CONNECTION]?.stalled()
}

/** Whether a stream supports timeouts: TCP and TLS sockets. */
const canStall = (socket: Duplex): socket is Duplex & Pick<Socket, "setTimeout"> =>
  "setTimeout" in socket && typeof socket.setTimeout === "function"

export abstract class SocketConnection implements Connection, WriteTarget {
  readonly id: number
  readonly address: string
  readonly socket: Duplex
  protected readonly options: Options
  readonly #writeQueue: WriteQueue
  readonly #ended: (connection: SocketConnection) => void
  #peer: Peer | undefined
  #frame: number
  #partial = 0
  #watchesStall = false
  /** Open: frames are received. Finishing: replies are still sent. Closing: none are. */
  #state: "open" | "finishing" | "closing" | "ended" = "open"
  #lastReceived = Number.NEGATIVE_INFINITY
  #lingerTimer: NodeJS.Timeout | undefined
  #closeTimer: NodeJS.Timeout | undefined

  /**
   * `address`: the client's, normalized. `ended`: called once, after `Peer.closed`.
   */
  constructor(socket: Duplex, address: string, options: Options, ended: (connection: SocketConnection) => void) {
    this.id = nextConnectionId()
    this.address = address
    this.socket = socket
    this.options = options
    this.#ended = ended
    if (canStall(socket)) {
      const owned: Owned = socket
      owned[CONNECTION] = this
      socket.on("timeout", onStalled)
    }
    this.#frame = options.frame
    this.#writeQueue = new WriteQueue(this, options.sendBuffer)
  }

  abstract writable(): boolean
  protected abstract encode(frame: Frame): Uint8Array
  /** Encodes a `vectored` frame. */
  protected abstract encodeParts(frame: Frame): FrameParts
  protected abstract stopReading(): void
  protected abstract startReading(): void
  /** Closes this side after the queued writes. */
  protected abstract end(code: number, reason: string): void
  /** Destroys the connection immediately. */
  abstract destroy(): void

  /** Drops a client that does not read. */
  overflowed(): void {
    this.drop("the client does not read what it is sent")
  }

  /** Maximum bytes of a frame. */
  get frame(): number {
    return this.#frame
  }

  limitFrames(bytes: number): void {
    this.#frame = Math.min(bytes, this.options.frame)
  }

  protected get isOpen(): boolean {
    return this.#state === "open"
  }

  /** Destroys the connection immediately. */
  protected drop(reason: string): void {
    if (this.#state !== "ended") this.options.dropped(this, reason)
    this.destroy()
  }

  /** Called after `READER_STALLS` times `stall` milliseconds without traffic; partial writes count as traffic. */
  stalled(): void {
    if (this.#watchesStall) this.drop("the client stopped reading its answers")
  }

  /** Sets the timeout only while a sender waits: HTTP servers end sockets at this event, too. */
  #watchStall(isWatched: boolean): void {
    const { socket } = this
    if (this.#watchesStall === isWatched || !canStall(socket)) return
    this.#watchesStall = isWatched
    socket.setTimeout(isWatched ? READER_STALLS * this.options.stall : 0)
  }

  /** Attaches the session. Call once, in the tick in which the connection was created. */
  open(accept: Accept, handshake: Handshake): void {
    this.#guard(() => {
      this.#peer = accept(this, handshake)
    })
  }

  send(frame: Frame, isReply = false): void {
    if (this.#state === "closing" || this.#state === "ended") return
    if (this.#state === "finishing") this.#lingerTimer?.refresh()
    if (frame.vectored) this.#writeQueue.sendParts(this.encodeParts(frame), isReply)
    else this.#writeQueue.send(this.encode(frame), isReply)
  }

  buffered(): number {
    return this.#state === "ended" ? 0 : this.#writeQueue.buffered()
  }

  onDrained(low: number, callback: () => void): void {
    if (this.#state === "ended") queueMicrotask(callback)
    else {
      this.#watchStall(true)
      this.#writeQueue.onDrained(low, () => {
        if (!this.#writeQueue.hasDrainWaiters) this.#watchStall(false)
        callback()
      })
    }
  }

  pause(): void {
    if (this.#state === "open") this.stopReading()
  }

  resume(): void {
    if (this.#state === "open") this.startReading()
  }

  close(code: number, reason: string): void {
    if (this.#state === "closing" || this.#state === "ended") return
    this.#state = "closing"
    clearTimeout(this.#lingerTimer)
    clearTimeout(this.#closeTimer)
    this.#writeQueue.close()
    // The client's close frame may follow frames that are dropped.
    this.startReading()
    this.end(code, reason)
    this.#closeTimer = setTimeout(() => this.destroy(), this.options.closeTimeout).unref()
  }

  /** Stops receiving, sends pending replies, and closes. */
  finish(code: number, reason: string): void {
    if (this.#state !== "open") return
    if (performance.now() - this.#lastReceived >= this.options.lingerTimeout) return this.close(code, reason)
    this.#state = "finishing"
    this.#lingerTimer = setTimeout(() => this.close(code, reason), this.options.lingerTimeout)
    // Pushes could keep it open forever.
    this.#closeTimer = setTimeout(() => this.close(code, reason), this.options.closeTimeout)
  }

  /** Validates and delivers a frame's bytes. */
  protected received(bytes: Buffer, isBinary = false): void {
    if (this.#state !== "open") return
    this.#lastReceived = performance.now()
    if (isBinary && this.#peer?.receiveBinary !== undefined) {
      // A copy: the bytes may be part of a larger buffer, which a queued frame would retain.
      return this.#guard(() => this.#peer?.receiveBinary?.(Uint8Array.from(bytes)))
    }
    const text = textOf(bytes)
    this.#guard(() => (text === undefined ? this.#peer?.invalidUtf8() : this.#peer?.receive(text, bytes.length)))
  }

  /** Reports the bytes held of an unfinished frame. */
  protected holding(bytes: number): void {
    if (bytes === this.#partial) return
    this.#partial = bytes
    if (this.#state === "open") this.#guard(() => this.#peer?.partial?.(bytes))
  }

  /** Rejects a client that sends HTTP on this port. */
  protected httpRequest(): void {
    if (this.#state !== "open") return
    this.#guard(() => this.#peer?.httpRequest?.())
    this.close(1008, "an HTTP request")
  }

  protected oversized(): void {
    if (this.#state !== "open") return
    this.#lastReceived = performance.now()
    this.#guard(() => this.#peer?.oversized(this.#frame))
  }

  protected onClosed(): void {
    if (this.#state === "ended") return
    this.#state = "ended"
    clearTimeout(this.#lingerTimer)
    clearTimeout(this.#closeTimer)
    this.#writeQueue.end()
    this.#guard(() => this.#peer?.closed())
    this.#ended(this)
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (cause) {
      this.options.defect(cause)
      this.close(1011, "internal error")
    }
  }
}
