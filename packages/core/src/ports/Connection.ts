import type { RequestInfo } from "./Authenticator.ts"
import type { Frame } from "./Frame.ts"

let lastConnection = 0

/** Returns the id of the next connection, unique across all transports. */
export const nextConnectionId = (): number => ++lastConnection

/**
 * Port: transport. One connection to one client. Laws: `testing/ConnectionLaws`.
 *
 * - Frames arrive whole and in the order sent, at both ends.
 * - `send` neither waits nor throws. Frames sent within one turn of the event loop may share one write.
 * - Frames sent before `close` are still delivered. After `close`, or after the client disconnected, `send` does
 *   nothing.
 * - A slow client is dropped if a frame is sent while more than the connection's limit is buffered: the connection
 *   ends, and `closed` is called. A single long reply is not a reason: a frame that is larger than the limit does not count
 *   until the operating system has taken it, and neither does a reply (`isReply`).
 * - At most one unfinished frame is buffered, up to the frame limit. A frame over the limit is reported as soon as its
 *   size is known.
 * - `closed` is called exactly once, and nothing is received after it.
 */
export interface Connection {
  /** Unique in this process, from 1: `nextConnectionId()`. */
  readonly id: number
  /** The client's address without its port, in its usual form (`ClientAddress`), for throttling and logs. */
  readonly address: string
  /** Sends one whole frame. A reply (`isReply`) does not mark it as a slow reader. */
  readonly send: (frame: Frame, isReply?: boolean) => void
  /** Bytes sent and not yet taken by the operating system. */
  readonly buffered: () => number
  /** Calls back once, as soon as `buffered` is at most `low` bytes or the connection has ended. */
  readonly onDrained: (low: number, callback: () => void) => void
  /** Stops and resumes reading from the client. Frames that have already arrived may still be received. */
  readonly pause: () => void
  /** Reads again after `pause`. */
  readonly resume: () => void
  /** Limits later frames to these bytes, or to the transport's own limit if that is lower. */
  readonly limitFrames: (bytes: number) => void
  /**
   * Ends the connection after sending the pending frames. `code` is a WebSocket close code, ignored by other
   * transports.
   */
  readonly close: (code: number, reason: string) => void
}

/** Reason for which the engine closes a connection, whatever its protocol. */
export type Rejection =
  /** `limits.connections`, or its fifth for connections without a user. */
  | { readonly _tag: "TooManyConnections" }
  /** `limits.connectionsPerAddress`. */
  | { readonly _tag: "TooManyOfAddress" }
  /** There was no login within this number of seconds: `login.deadline`. */
  | { readonly _tag: "LoginDeadline"; readonly seconds: number }
  /** `limits.inputTotal`, or its eighth for one address. */
  | { readonly _tag: "InputExhausted" }
  /** An HTTP request on a transport that is not HTTP. */
  | { readonly _tag: "HttpRequest" }

/** The engine's end of a connection: what a transport calls. */
export interface Peer {
  /** One whole frame from the client, as text; `bytes` is its size in UTF-8. */
  readonly receive: (frame: string, bytes?: number) => void
  /** One whole binary frame from the client. Without this method, it is received as a text. */
  readonly receiveBinary?: (frame: Uint8Array) => void
  /** Size of the unfinished frame that the transport holds, in bytes; called whenever it has changed after a read. */
  readonly partial?: (bytes: number) => void
  /**
   * The client sent a frame that is not valid UTF-8, and it was dropped. The peer replies, and the connection
   * continues.
   */
  readonly invalidUtf8: () => void
  /** The client sent a frame over the limit (bytes), and it was dropped. The peer replies and closes. */
  readonly oversized: (limit: number) => void
  /**
   * The client begins with an HTTP request, on a transport that is not HTTP; none of its lines is received. The peer
   * replies and closes. Without this method the transport closes.
   */
  readonly httpRequest?: () => void
  /** The connection has ended, for any reason. */
  readonly closed: () => void
}

/** Request data of a new connection. */
export interface Handshake {
  /** Query parameters, if the transport has them. */
  readonly query: ReadonlyMap<string, string>
  /** Subprotocol of the WebSocket; undefined if the client has asked for none. */
  readonly subprotocol?: string
  /** The client's HTTP request, if the transport began with one. */
  readonly request?: RequestInfo
}

/** Creates the engine's end of a new connection. */
export type Accept = (connection: Connection, handshake: Handshake) => Peer
