/** One connection of a xuanxuan client, over WebSocket or raw TCP. */
import { connect } from "node:net"
import { type RawData, WebSocket } from "ws"

export interface Packet {
  readonly id?: number
  readonly module: string
  readonly method: string
  /** In replies only. */
  readonly result?: "success" | "fail" | "denied"
  readonly message?: string
  readonly sid?: string
  readonly data?: unknown
}

export type Transport = "websocket" | "tcp"

/** Milliseconds until a connection must be established. */
const CONNECT_TIMEOUT = 4_000
/** Milliseconds until a reply must arrive: a store waits for its database for 5 s. */
const REPLY_TIMEOUT = 9_000

interface Wire {
  readonly send: (frame: string) => void
  readonly destroy: () => void
}

interface WireHandlers {
  readonly onFrame: (text: string) => void
  readonly onClosed: () => void
}

/** The connection was lost, so the outcome of its pending requests is unknown. */
export class ConnectionLost extends Error {}

const textOf = (data: RawData): string =>
  (Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)).toString()

const openWebSocket = (http: string, { onClosed, onFrame }: WireHandlers): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const url = `${http.replace("http:", "ws:")}/ws`
    const ws = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: CONNECT_TIMEOUT })
    ws.on("message", (data) => onFrame(textOf(data)))
    ws.on("close", onClosed)
    ws.on("error", (error) => reject(new ConnectionLost(error.message)))
    ws.once("open", () => resolve({ send: (frame) => ws.send(frame), destroy: () => ws.terminate() }))
  })

const openTcp = (tcp: string, { onClosed, onFrame }: WireHandlers): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(tcp)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const timer = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT)
    let rest = ""
    socket.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + String(text)).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) onFrame(line)
    })
    socket.on("close", () => {
      clearTimeout(timer)
      onClosed()
      reject(new ConnectionLost("closed before it was open"))
    })
    socket.on("error", () => socket.destroy())
    socket.once("connect", () => {
      clearTimeout(timer)
      resolve({ send: (frame) => void socket.write(`${frame}\n`), destroy: () => void socket.destroy() })
    })
  })

interface Pending {
  readonly resolve: (reply: Packet) => void
  readonly reject: (cause: ConnectionLost) => void
  readonly timer: NodeJS.Timeout
}

export class Connection {
  #wire: Wire | undefined
  /** Replies arrive in the order of their requests. */
  readonly #pending: Array<Pending> = []
  readonly #onPush: (packet: Packet) => void
  #isClosed = false
  #ended: () => void = () => undefined
  readonly closed = new Promise<void>((resolve) => (this.#ended = resolve))
  sid = ""

  private constructor(onPush: (packet: Packet) => void) {
    this.#onPush = onPush
  }

  static async open(
    { http, tcp }: { readonly http: string; readonly tcp: string },
    transport: Transport,
    onPush: (packet: Packet) => void
  ): Promise<Connection> {
    const connection = new Connection(onPush)
    const handlers = {
      onFrame: (text: string) => connection.#receive(text),
      onClosed: () => connection.#close()
    }
    connection.#wire = await (transport === "tcp" ? openTcp(tcp, handlers) : openWebSocket(http, handlers))
    return connection
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  #receive(text: string): void {
    const json = JSON.parse(text) as Packet | ReadonlyArray<Packet>
    for (const packet of Array.isArray(json) ? (json as ReadonlyArray<Packet>) : [json as Packet]) {
      if (packet.result === undefined) this.#onPush(packet)
      else {
        const pending = this.#pending.shift()
        if (pending === undefined) throw new Error(`a reply without a request: ${text.slice(0, 300)}`)
        clearTimeout(pending.timer)
        pending.resolve(packet)
      }
    }
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const { reject, timer } of this.#pending.splice(0)) {
      clearTimeout(timer)
      reject(new ConnectionLost("closed"))
    }
    this.#ended()
  }

  #send(frame: object): void {
    if (!this.#isClosed) this.#wire?.send(JSON.stringify(frame))
  }

  /** Sends a request; rejects with `ConnectionLost` if the reply is lost, or late. */
  ask(method: string, params?: unknown): Promise<Packet> {
    if (this.#isClosed) return Promise.reject(new ConnectionLost("closed"))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.drop(), REPLY_TIMEOUT)
      this.#pending.push({ resolve, reject, timer })
      this.#send({
        module: "chat",
        method,
        ...(this.sid !== "" && { sid: this.sid }),
        ...(params !== undefined && { params })
      })
    })
  }

  acknowledge(id: number): void {
    this.#send({ module: "chat", method: "message", id, sid: this.sid })
  }

  /** Ends the connection at once, as a lost network does. */
  drop(): void {
    this.#wire?.destroy()
    this.#close()
  }
}
