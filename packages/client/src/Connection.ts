/**
 * One connection: its pending requests, in order, and its heartbeat. Replies carry no request id; they come in the order of
 * the requests.
 */
import { type Packet, isCalled, packetsOf } from "./protocol.ts"
import type { Clock } from "./backoff.ts"

/** The used part of a WebSocket: a browser's, Node's, or another. */
export interface Socket {
  // `never`, so that handlers with any parameter can be assigned. Only `data` and `code` of events are read.
  /** Called once the connection is open. */
  onopen: ((event: never) => void) | null
  /** Called with each frame, a text in `data`. */
  onmessage: ((event: never) => void) | null
  /** Called once the connection has ended, with its close code in `code`. */
  onclose: ((event: never) => void) | null
  /** Called with a failure; the connection has then ended. */
  onerror: ((event: never) => void) | null
  /** Sends a text frame. */
  send(frame: string): void
  /** Closes the connection. */
  close(code?: number, reason?: string): void
}

export interface PendingRequest {
  readonly module: string
  readonly method: string
  readonly params?: unknown
  /** Number of times it was sent. */
  sent: number
  /** The caller does not wait for the reply. The reply is still expected in order; the request is not sent again. */
  settled: boolean
  readonly onReply: (packet: Packet) => void
}

export interface ConnectionTiming {
  readonly clock: Clock
  /** Milliseconds without a request after which the client sends a ping. */
  readonly heartbeat: number
  /** Maximum wait for the next reply, in milliseconds; then the connection counts as lost. */
  readonly replyTimeout: number
}

export interface ConnectionHandlers {
  readonly onOpen: () => void
  /** The packets of one frame that are not replies. */
  readonly onPush: (packets: ReadonlyArray<Packet>) => void
  /** A frame, or an element of it, is not a packet and was skipped. */
  readonly onMalformed: () => void
  /** A reply was handled: one more request can be sent. */
  readonly onReply: () => void
  /** The session is unknown to the server, or has ended. */
  readonly onDenied: () => void
  /** The connection closed or is unusable, with its close code, 0 if there is none. The owner must then call `end`. */
  readonly onLost: (code: number) => void
}

/** Maximum requests in flight; the server buffers 64 frames of a connection. */
const WINDOW = 32
/** Close code of RFC 6455: message too big. */
const TOO_LARGE = 1009

export class Connection {
  readonly #socket: Socket
  readonly #timing: ConnectionTiming
  readonly #handlers: ConnectionHandlers
  readonly #pending: Array<PendingRequest> = []
  #timer: unknown
  #sid: string | undefined
  /** Whether the login or resume request has no reply yet. */
  #authenticating = false
  #isUsed = false
  #isOpened = false
  /** Whether the server replied that it could not read a frame; that request has failed. */
  #hasUnreadable = false

  constructor(socket: Socket, timing: ConnectionTiming, handlers: ConnectionHandlers) {
    this.#socket = socket
    this.#timing = timing
    this.#handlers = handlers
    socket.onopen = () => {
      this.#isOpened = true
      handlers.onOpen()
    }
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(packetsOf(data, handlers.onMalformed))
    socket.onclose = ({ code }: { readonly code: number }) => this.#onClose(code)
    // Some platforms signal the end only with an error.
    socket.onerror = () => handlers.onLost(0)
    this.#schedule(timing.replyTimeout, () => handlers.onLost(0))
  }

  get hasRoom(): boolean {
    return this.#pending.length < WINDOW
  }

  /** Whether the server has accepted it. */
  get isOpened(): boolean {
    return this.#isOpened
  }

  /** Whether anything was sent on it. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /**
   * Sends the request that begins a session, or resumes the session `sid`. No other request may be pending. `denied` is
   * passed to it as an ordinary reply.
   */
  authenticate(request: PendingRequest, sid: string | undefined): void {
    this.#authenticating = true
    this.#sid = sid
    this.send(request)
  }

  /** Sets the session of further requests. */
  setSession(sid: string): void {
    this.#sid = sid
  }

  send(request: PendingRequest): void {
    request.sent++
    if (this.#pending.push(request) === 1) this.#resetTimer()
    this.#write(request)
  }

  /** Acknowledges packets. Has no reply; if it is lost, the server delivers them again. */
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

  /** Sends a ping, unless a reply is due anyway. */
  ping(): void {
    if (this.#pending.length > 0) return
    this.send({ module: "chat", method: "ping", sent: 0, settled: true, onReply: () => {} })
  }

  /** Closes the socket and returns the requests to send again on another connection. */
  end(): ReadonlyArray<PendingRequest> {
    this.#timing.clock.clearTimeout(this.#timer)
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    // An error event without a listener would end the process on some platforms.
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
    if (pushes.length > 0) this.#handlers.onPush(pushes)
    for (const packet of packets) if (packet.result !== undefined) this.#onReply(packet)
  }

  #onReply(packet: Packet): void {
    const [first] = this.#pending
    // `denied` is also the only reply that an acknowledgement can get, so it may have no pending request.
    if (packet.result === "denied" && !this.#authenticating) return this.#handlers.onDenied()
    const isUnreadable = packet.module === "null" && packet.method === "null"
    if (first === undefined || !(isUnreadable || isCalled(packet, first.method))) return this.#handlers.onLost(0)
    this.#hasUnreadable ||= isUnreadable
    this.#pending.shift()
    this.#authenticating = false
    this.#resetTimer()
    first.onReply(packet)
    this.#handlers.onReply()
  }

  #onClose(code: number): void {
    const [first] = this.#pending
    // The server may close without a reply to the frame that was too large. Sending it again would never end.
    if (code === TOO_LARGE && !this.#hasUnreadable && first !== undefined) {
      this.#pending.shift()
      first.onReply({ module: "null", method: "null", result: "fail", message: "The request is too large." })
    }
    this.#handlers.onLost(code)
  }

  #resetTimer(): void {
    const { heartbeat, replyTimeout } = this.#timing
    if (this.#pending.length > 0) this.#schedule(replyTimeout, () => this.#handlers.onLost(0))
    else this.#schedule(heartbeat, () => this.ping())
  }

  #schedule(milliseconds: number, run: () => void): void {
    this.#timing.clock.clearTimeout(this.#timer)
    this.#timer = this.#timing.clock.setTimeout(run, milliseconds)
  }
}
