import type { RequestInfo } from "./Authenticator.ts"
import type { Frame } from "./Frame.ts"

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
 *   frame that is larger than the limit does not count until it has been taken, and neither does an answer (`asked`).
 * - No more than one unfinished frame is kept, and no more of it than the limit of a frame. A frame over the limit is reported
 *   as soon as it is known to be.
 * - `closed` is called exactly once, and nothing is received after it.
 */
export interface Connection {
  /** Unique in this process, from 1: `nextConnectionId()`. */
  readonly id: number
  /** The client's address without its port, in its usual form (`ClientAddress`), for throttling and logs. */
  readonly address: string
  /** Sends one whole frame; `asked`: the client has asked for it, and a slow reader is not told by it. */
  readonly send: (frame: Frame, asked?: boolean) => void
  /** Bytes sent and not yet taken by the operating system. */
  readonly buffered: () => number
  /** Calls back once, as soon as `buffered` is at most `low` bytes or the connection has ended. */
  readonly onDrained: (low: number, callback: () => void) => void
  /** Stops and resumes reading from the client. Frames that have arrived already may still be received. */
  readonly pause: () => void
  readonly resume: () => void
  /** Bounds frames that arrive from now on to these bytes, or to the transport's own limit where that is lower. */
  readonly limitFrames: (bytes: number) => void
  /**
   * Ends the connection after what was sent. `code` is a WebSocket close code, which other transports leave out.
   */
  readonly close: (code: number, reason: string) => void
}

/** Why the engine closes a connection whatever its protocol says. */
export type Rejection =
  /** `limits.connections`, or its fifth for connections without a user. */
  | { readonly _tag: "TooManyConnections" }
  | { readonly _tag: "TooManyOfAddress" }
  | { readonly _tag: "LoginDeadline"; readonly seconds: number }
  /** `limits.inputTotal`, or its eighth for one address. */
  | { readonly _tag: "InputExhausted" }
  /** An HTTP request on a transport that is not HTTP. */
  | { readonly _tag: "HttpRequest" }

/** The engine's end of a connection: what a transport calls. */
export interface Peer {
  /** One whole frame from the client, as text; `bytes` is its size in UTF-8. */
  readonly receive: (frame: string, bytes?: number) => void
  /** Bytes of an unfinished frame that the transport holds, whenever their number has changed after a read. */
  readonly partial?: (bytes: number) => void
  /** The client sent a frame that is no UTF-8, and it was dropped. The peer answers, and the connection goes on. */
  readonly invalidUtf8: () => void
  /** The client sent a frame over the limit (bytes), and it was dropped. The peer answers and closes. */
  readonly oversized: (limit: number) => void
  /**
   * The client begins with an HTTP request, on a transport that is not HTTP; none of its lines is received. The peer
   * answers and closes. Without this method the transport closes.
   */
  readonly httpRequest?: () => void
  /** The connection has ended, for whatever reason. */
  readonly closed: () => void
}

/** How a client came here. */
export interface Handshake {
  /** The names and values behind `?`, where the transport has them. */
  readonly query: ReadonlyMap<string, string>
  /** What the client's request carried, where the transport began with one. */
  readonly request?: RequestInfo
}

/** Makes the engine's end for a new connection. */
export type Accept = (connection: Connection, opening: Handshake) => Peer
