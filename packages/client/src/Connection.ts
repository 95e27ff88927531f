/**
 * One connection: what was asked on it and not answered yet, in order, and whether it is alive. Answers come in the
 * order of the requests, so nothing else tells which one an answer is for.
 */
import { type Packet, isCalled, packetsOf } from "./protocol.ts"
import type { Clock } from "./backoff.ts"

/** The part of a WebSocket that is used: that of browsers, of Node, or another. */
export interface Socket {
  // Of events only `data` and `code` are read. Every kind of handler may be assigned to these.
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(frame: string): void
  close(code?: number, reason?: string): void
}

export interface PendingRequest {
  readonly module: string
  readonly method: string
  readonly params?: unknown
  /** How often it went out. */
  sent: number
  /** Nobody waits for the answer (any more). It still takes its place among the answers, and is not asked again. */
  settled: boolean
  readonly answer: (packet: Packet) => void
}

export interface ConnectionTiming {
  readonly clock: Clock
  /** Milliseconds without anything asked after which the client asks whether the server is there. */
  readonly heartbeat: number
  /** Milliseconds without the answer that is due after which the connection counts as lost. */
  readonly patience: number
}

export interface ConnectionHandlers {
  readonly opened: () => void
  /** The packets of one frame that answer nothing. */
  readonly pushed: (packets: ReadonlyArray<Packet>) => void
  /** What came is no packet, and was left out. */
  readonly malformed: () => void
  /** An answer was taken in, and there is room for one more request. */
  readonly answered: () => void
  /** The server does not know the session (any more). */
  readonly denied: () => void
  /** It has ended, or is of no use; told once. 0 where there is no close code. */
  readonly broken: (code: number) => void
}

/** Requests under way at once, at most; the server reads no further than 64 frames ahead. */
const WINDOW = 32
/** Close code of RFC 6455: a frame was too large. */
const TOO_LARGE = 1009

export class Connection {
  readonly #socket: Socket
  readonly #timing: ConnectionTiming
  readonly #handlers: ConnectionHandlers
  readonly #pending: Array<PendingRequest> = []
  #timer: unknown
  #sid: string | undefined
  /** The request that begins the session is out and not answered. */
  #greets = false
  #isUsed = false
  /** A frame could not be read by the server, and whoever asked knows. */
  #unread = false

  constructor(socket: Socket, timing: ConnectionTiming, ears: ConnectionHandlers) {
    this.#socket = socket
    this.#timing = timing
    this.#handlers = ears
    socket.onopen = () => ears.opened()
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(packetsOf(data, ears.malformed))
    socket.onclose = ({ code }: { readonly code: number }) => this.#closed(code)
    // Some platforms tell of the end only by this.
    socket.onerror = () => ears.broken(0)
    this.#watch(timing.patience, () => ears.broken(0))
  }

  get hasRoom(): boolean {
    return this.#pending.length < WINDOW
  }

  /** Whether the server may have heard anything on it. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /**
   * The request that begins the session, or resumes this one. Nothing else may be under way; a denial answers it like
   * any other answer.
   */
  authenticate(asked: PendingRequest, sid: string | undefined): void {
    this.#greets = true
    this.#sid = sid
    this.send(asked)
  }

  /** The session has begun. */
  begin(sid: string): void {
    this.#sid = sid
  }

  send(asked: PendingRequest): void {
    asked.sent++
    if (this.#pending.push(asked) === 1) this.#attend()
    this.#write(asked)
  }

  /** These packets need not come again. There is no answer; should it get lost, they do come again. */
  acknowledge(ids: ReadonlyArray<number>): void {
    this.#write({ module: "chat", method: "message", id: ids.length === 1 ? ids[0] : ids })
  }

  #write({
    module,
    method,
    params,
    id
  }: Pick<PendingRequest, "module" | "method" | "params"> & { readonly id?: unknown }): void {
    this.#isUsed = true
    this.#socket.send(JSON.stringify({ module, method, params, id, sid: this.#sid }))
  }

  /** Asks whether the server is there, unless an answer is due anyway. */
  ping(): void {
    if (this.#pending.length > 0) return
    this.send({ module: "chat", method: "ping", sent: 0, settled: true, answer: () => {} })
  }

  /** Hangs up and answers what is to be asked again on another connection. */
  end(): ReadonlyArray<PendingRequest> {
    this.#timing.clock.clearTimeout(this.#timer)
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    // An error without anybody who hears of it would end the process on some platforms.
    socket.onerror = () => {}
    try {
      socket.close(1000)
    } catch {
      // Already gone.
    }
    return this.#pending.splice(0).filter(({ settled }) => !settled)
  }

  #receive(packets: ReadonlyArray<Packet>): void {
    const pushes = packets.filter(({ result }) => result === undefined)
    if (pushes.length > 0) this.#handlers.pushed(pushes)
    for (const packet of packets) if (packet.result !== undefined) this.#answered(packet)
  }

  #answered(packet: Packet): void {
    const [first] = this.#pending
    // Also an acknowledgement is answered by this, although it is answered by nothing else.
    if (packet.result === "denied" && !this.#greets) return this.#handlers.denied()
    const unread = packet.module === "null" && packet.method === "null"
    if (first === undefined || !(unread || isCalled(packet, first.method))) return this.#handlers.broken(0)
    this.#unread ||= unread
    this.#pending.shift()
    this.#greets = false
    this.#attend()
    first.answer(packet)
    this.#handlers.answered()
  }

  #closed(code: number): void {
    const [first] = this.#pending
    // The server may have no chance to say which frame was too large. Asking the same again would go on for ever.
    if (code === TOO_LARGE && !this.#unread && first !== undefined) {
      this.#pending.shift()
      first.answer({ module: "null", method: "null", result: "fail", message: "The request is too large." })
    }
    this.#handlers.broken(code)
  }

  #attend(): void {
    const { heartbeat, patience } = this.#timing
    if (this.#pending.length > 0) this.#watch(patience, () => this.#handlers.broken(0))
    else this.#watch(heartbeat, () => this.ping())
  }

  #watch(milliseconds: number, act: () => void): void {
    this.#timing.clock.clearTimeout(this.#timer)
    this.#timer = this.#timing.clock.setTimeout(act, milliseconds)
  }
}
