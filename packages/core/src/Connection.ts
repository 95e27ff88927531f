import type { Carried } from "./Authenticator.ts"

/**
 * A text on its way to clients. One `Frame` goes to many connections: a transport encodes it once and keeps the bytes
 * with it, so that everybody gets the same bytes.
 */
export class Frame {
  readonly text: string
  #transport: string | undefined
  #bytes: Uint8Array | undefined
  /** Of further kinds of transport; most frames go over one. */
  #others: Map<string, Uint8Array> | undefined

  constructor(text: string) {
    this.text = text
  }

  /** The bytes of this frame on one kind of transport; made at the first call for that kind, kept for the next ones. */
  bytes<B extends Uint8Array>(transport: string, encode: (text: string) => B): Uint8Array {
    if (this.#bytes !== undefined && this.#transport === transport) return this.#bytes
    const known = this.#others?.get(transport)
    if (known !== undefined) return known
    const bytes = encode(this.text)
    if (this.#bytes === undefined) {
      this.#transport = transport
      this.#bytes = bytes
    } else {
      this.#others ??= new Map()
      this.#others.set(transport, bytes)
    }
    return bytes
  }
}

let lastConnection = 0

/** The id of one more connection, whatever it runs over: connections of all transports tell themselves apart by it. */
export const nextConnectionId = (): number => ++lastConnection

/**
 * Transport, as a port: one connection to one client, whatever it runs over. Laws: `testing/ConnectionLaws`.
 *
 * - Frames arrive whole and in the order sent, at both ends.
 * - `send` neither waits nor throws. What is sent within one turn of the event loop may travel in one write.
 * - What was sent before `close` still goes out. After `close`, or once the client is gone, `send` does nothing.
 * - A client that does not read is given up when a frame is sent while more than the connection's limit waits already: the
 *   connection ends, and `closed` is called. Nobody waits for a slow reader, and one long answer is no slow reader: a
 *   frame that is larger than the limit does not count until it has been taken.
 * - `closed` is called exactly once, and nothing is received after it.
 */
export interface Connection {
  /** Unique in this process, from 1: `nextConnectionId()`. */
  readonly id: number
  /** The client's address without its port, in its usual form (`ClientAddress`), for throttling and logs. */
  readonly address: string
  /** Sends one whole frame. */
  readonly send: (frame: Frame) => void
  /** Bytes sent and not yet taken by the operating system. */
  readonly buffered: () => number
  /** Calls back once, as soon as `buffered` is at most `low` bytes or the connection has ended. */
  readonly onDrained: (low: number, callback: () => void) => void
  /** Stops and resumes reading from the client. Frames that have arrived already may still be received. */
  readonly pause: () => void
  readonly resume: () => void
  /**
   * Ends the connection after what was sent. `code` is a WebSocket close code, which other transports leave out.
   */
  readonly close: (code: number, reason: string) => void
}

/** The engine's end of a connection: what a transport calls. */
export interface Peer {
  /** One whole frame from the client, as text. */
  readonly receive: (frame: string) => void
  /** The client sent a frame that is no UTF-8, and it was dropped. The peer answers, and the connection goes on. */
  readonly garbled: () => void
  /** The client sent a frame over the limit (bytes), and it was dropped. The peer answers and closes. */
  readonly oversized: (limit: number) => void
  /** The connection has ended, for whatever reason. */
  readonly closed: () => void
}

/** How a client came here. */
export interface Opening {
  /** The names and values behind `?`, where the transport has them. */
  readonly query: ReadonlyMap<string, string>
  /** What the client's request carried, where the transport began with one. */
  readonly request?: Carried
}

/** Makes the engine's end for a new connection. */
export type Accept = (connection: Connection, opening: Opening) => Peer
