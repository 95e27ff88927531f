/** What connections over a socket have in common, whatever frames look like on it. */
import { type Accept, type Connection, type Handshake, type Peer, nextConnectionId } from "@parley/core/Connection"
import type { Frame, FrameParts } from "@parley/core/Frame"
import { isUtf8 } from "node:buffer"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { WriteQueue, type WriteTarget } from "./WriteQueue.ts"

export interface Options {
  /** Bytes of one frame from the client, at most; counted in UTF-8. */
  readonly frame: number
  /** Bytes that may wait for a client that does not read. */
  readonly sendBuffer: number
  /** Milliseconds between two pings; a client that has not answered the previous one is given up. WebSocket only. */
  readonly heartbeat: number
  /** Milliseconds without progress after which a client that does not take what it has asked for is given up. */
  readonly stall: number
  /**
   * Milliseconds without a frame in either direction after which nothing can be under way any more. That long, a
   * client that has only stopped sending, or that is to be closed politely, gets its answers.
   */
  readonly lingerTimeout: number
  /** Milliseconds for the client to take what is left and answer the goodbye; after it the socket is destroyed. */
  readonly closeTimeout: number
  /** Calls `tick` every so many milliseconds until the returned function is called. For tests; a plain timer otherwise. */
  readonly every: (milliseconds: number, tick: () => void) => () => void
  /** Called when a connection is given up, with the reason, in words for a log. */
  readonly dropped: (connection: Connection, reason: string) => void
  /** What the engine's end has thrown; the connection is closed with 1011, the process lives on. */
  readonly defect: (cause: unknown) => void
}

/**
 * Stall times that a reader has to make progress. The kernel takes more only once a third or so of its send buffer is free,
 * over a megabyte, so that a client that reads slowly but steadily shows no progress for longer than one stall time.
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
    // Not a crash, and not silent either.
    process.emitWarning(cause instanceof Error ? cause : new Error(String(cause)))
  }
}

/** Whether the bytes begin with a byte order mark: EF BB BF. */
const isMarked = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf

/** A frame's text, without one byte order mark at its start, as HTTP bodies are read; undefined where it is not UTF-8. */
const textOf = (bytes: Buffer): string | undefined =>
  isUtf8(bytes) ? bytes.toString("utf8", isMarked(bytes) ? 3 : 0) : undefined

const CONNECTION = Symbol("connection")

/** A socket is told of its connection by this, since a function of its own for each would be a part of what it costs. */
interface Owned extends Duplex {
  [CONNECTION]?: SocketConnection
}

function onStalled(this: Owned): void {
  this[CONNECTION]?.stalled()
}

/** TCP and TLS sockets; other streams know no time. */
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
  /** Frames are handed on only while open. Finishing: answers still go out. Closing: nothing does. */
  #state: "open" | "finishing" | "closing" | "ended" = "open"
  #lastReceived = Number.NEGATIVE_INFINITY
  #lingerTimer: NodeJS.Timeout | undefined
  #closeTimer: NodeJS.Timeout | undefined

  /**
   * `address` is the client's, in its usual form. `ended` is called once, after `Peer.closed`.
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
  /** The same for a frame that is `vectored`. */
  protected abstract encodeParts(frame: Frame): FrameParts
  protected abstract stopReading(): void
  protected abstract startReading(): void
  /** Says goodbye and ends this side, after all that has been written. */
  protected abstract end(code: number, reason: string): void
  /** Ends the connection without another word. */
  abstract destroy(): void

  /** The client has not read what it was sent. */
  overflowed(): void {
    this.giveUp("the client does not read what it is sent")
  }

  /** Bytes of one frame, at most. */
  get frame(): number {
    return this.#frame
  }

  limitFrames(bytes: number): void {
    this.#frame = Math.min(bytes, this.options.frame)
  }

  protected get isOpen(): boolean {
    return this.#state === "open"
  }

  /** Ends the connection without another word. */
  protected giveUp(reason: string): void {
    if (this.#state !== "ended") this.options.dropped(this, reason)
    this.destroy()
  }

  /** Nothing was taken or sent by the client for `READER_STALLS` times `stall` milliseconds; Node counts the parts of a long write, too. */
  stalled(): void {
    if (this.#watchesStall) this.giveUp("the client stopped reading its answers")
  }

  /** Not for longer than somebody waits: the server that the socket came from ends sockets at this event, too. */
  #watchStall(isWatched: boolean): void {
    const { socket } = this
    if (this.#watchesStall === isWatched || !canStall(socket)) return
    this.#watchesStall = isWatched
    socket.setTimeout(isWatched ? READER_STALLS * this.options.stall : 0)
  }

  /** Gives the connection to its engine's end. To be called once, in the turn in which the connection was made. */
  open(accept: Accept, opening: Handshake): void {
    this.#guard(() => {
      this.#peer = accept(this, opening)
    })
  }

  send(frame: Frame, asked = false): void {
    if (this.#state === "closing" || this.#state === "ended") return
    if (this.#state === "finishing") this.#lingerTimer?.refresh()
    if (frame.vectored) this.#writeQueue.sendParts(this.encodeParts(frame), asked)
    else this.#writeQueue.send(this.encode(frame), asked)
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
    // The client's own goodbye can be behind frames that nobody wants any more.
    this.startReading()
    this.end(code, reason)
    this.#closeTimer = setTimeout(() => this.destroy(), this.options.closeTimeout).unref()
  }

  /** Receives nothing more, lets answers that may be under way go out, and closes. */
  finish(code: number, reason: string): void {
    if (this.#state !== "open") return
    if (performance.now() - this.#lastReceived >= this.options.lingerTimeout) return this.close(code, reason)
    this.#state = "finishing"
    this.#lingerTimer = setTimeout(() => this.close(code, reason), this.options.lingerTimeout)
    // Pushes could keep it going for ever.
    this.#closeTimer = setTimeout(() => this.close(code, reason), this.options.closeTimeout)
  }

  /** A frame's bytes, which are checked here and nowhere else. */
  protected received(bytes: Buffer): void {
    if (this.#state !== "open") return
    this.#lastReceived = performance.now()
    const text = textOf(bytes)
    this.#guard(() => (text === undefined ? this.#peer?.invalidUtf8() : this.#peer?.receive(text, bytes.length)))
  }

  /** What is held of an unfinished frame, in bytes. */
  protected holding(bytes: number): void {
    if (bytes === this.#partial) return
    this.#partial = bytes
    if (this.#state === "open") this.#guard(() => this.#peer?.partial?.(bytes))
  }

  /** The client speaks HTTP here: nothing more of it is received. */
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
