/** How the client behaves, and what it is when nothing is said. */
import type { Socket } from "./Connection.ts"
import type { Credentials, SessionSettings, State } from "./Session.ts"
import { ParleyError } from "./ParleyError.ts"
import { type Backoff, type Clock, defaultBackoff, platformClock } from "./backoff.ts"
import type { Status } from "./protocol.ts"

export interface ParleyOptions {
  /** Of the server: `https://chat.example`, or with its `/ws`. `http`, `ws` and `wss` do as well. */
  readonly url: string
  /** The status to be seen with; `online` if absent. */
  readonly status?: Exclude<Status, "offline">
  /** A name for this device, where a user may be logged in on several. */
  readonly device?: string
  /** The platform's `WebSocket` if absent, which every browser and Node from 22 has. */
  readonly WebSocket?: new (url: string) => Socket
  /** The platform's if absent. */
  readonly fetch?: typeof fetch
  /** The wait before an attempt to reconnect is at random between 0 and a bound: 500 ms, doubled up to 30 s, if absent. */
  readonly backoff?: Partial<Backoff>
  /** Whether `connect` goes on where the server cannot be reached at first; true if absent. A client that was online always does. */
  readonly retry?: boolean
  /** Milliseconds to wait for an answer, and for `connect`; 30,000 if absent, 0 for ever. */
  readonly timeout?: number
  /** Milliseconds without anything asked after which the client asks whether the server is there; 20,000 if absent. */
  readonly heartbeat?: number
  /** Milliseconds without the answer that is due after which a connection counts as lost; 15,000 if absent. */
  readonly patience?: number
  /** Requests that may wait for an answer; 1000 if absent. */
  readonly limit?: number
  /** Messages that may wait for the application; 1000 if absent. What is beyond stays with the server until there is room. */
  readonly inbox?: number
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal
  /** Hears what becomes of the connection, from the first attempt on. */
  readonly onState?: (state: State, error: ParleyError | undefined) => void
  /** Hears what a listener has thrown; `console.error` if absent. */
  readonly onError?: (error: unknown) => void
  /** Numbers in [0, 1). */
  readonly random?: () => number
  readonly clock?: Clock
}

/** With an account and a password, or with a token. */
export type ConnectOptions = ParleyOptions & Credentials

export interface Settings extends SessionSettings {
  readonly inbox: number
  readonly fetch: typeof fetch
  readonly onError: (error: unknown) => void
}

export const settingsOf = (options: ParleyOptions): Settings => {
  const { url, device, backoff, timeout = 30_000, heartbeat = 20_000, patience = 15_000 } = options
  const Socket = options.WebSocket ?? globalThis.WebSocket
  return {
    url,
    open: (address) => {
      if (Socket === undefined) throw new ParleyError("connection", "this platform has no WebSocket")
      return new Socket(address)
    },
    // Called without a `this`, as browsers want it.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? platformClock,
    random: options.random ?? Math.random,
    backoff: { ...defaultBackoff, ...backoff },
    timeout,
    heartbeat,
    patience,
    limit: options.limit ?? 1000,
    inbox: options.inbox ?? 1000,
    device,
    onError: options.onError ?? ((error) => console.error(error))
  }
}
