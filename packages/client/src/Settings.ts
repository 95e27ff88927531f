/** Options of the client, and their defaults. */
import type { Socket } from "./Connection.ts"
import type { Credentials } from "./Credentials.ts"
import type { SessionSettings, State } from "./Session.ts"
import { ParleyError } from "./ParleyError.ts"
import { type Backoff, type Clock, defaultBackoff, platformClock } from "./backoff.ts"
import type { Status } from "./protocol.ts"

/** Options of `connect`, without the credentials. */
export interface ParleyOptions {
  /**
   * URL of the server with `http`, `https`, `ws` or `wss`, with or without `/ws` at its end; in a page also relative to the
   * page: `/im`.
   */
  readonly url: string
  /** Status shown to other users. Default: `online`. */
  readonly status?: Exclude<Status, "offline">
  /** Name of this device, for servers that allow several logins per user. */
  readonly device?: string
  /** Default: the platform's `WebSocket`, which every browser and Node from 22 on have. */
  readonly WebSocket?: new (url: string) => Socket
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
  /** Bounds of the random wait before an attempt to reconnect. Default: 500 ms, doubled up to 30,000 ms. */
  readonly backoff?: Partial<Backoff>
  /** Whether `connect` retries an unreachable server. Default: true. After the first login the client always retries. */
  readonly retry?: boolean
  /** Maximum wait for a reply and for `connect`, in milliseconds; 0 for no limit. Default: 30,000. */
  readonly timeout?: number
  /** Milliseconds without a request after which the client sends a ping. Default: 20,000. */
  readonly heartbeat?: number
  /** Maximum wait for the next reply before the connection counts as lost, in milliseconds. Default: 15,000. */
  readonly replyTimeout?: number
  /** Maximum pending requests; further ones reject with `full`. Default: 1000. */
  readonly limit?: number
  /** Maximum messages that wait for the application; further ones stay on the server until there is room. Default: 1000. */
  readonly inbox?: number
  /** Aborts `connect`. */
  readonly signal?: AbortSignal
  /** Called with every change of the connection's state, from the first attempt on. */
  readonly onState?: (state: State, error: ParleyError | undefined) => void
  /** Called with errors of listeners, and with `error` events that have no listener. Default: `console.error`. */
  readonly onError?: (error: unknown) => void
  /** Returns random numbers in [0, 1). */
  readonly random?: () => number
  /** Clock and timers. Default: the platform's. */
  readonly clock?: Clock
}

/** Options with an account and a password, with a session token, or with neither: see `Credentials`. */
export type ConnectOptions = ParleyOptions & Credentials

export interface Settings extends Omit<SessionSettings, "refusal"> {
  /** See `ParleyOptions`. */
  readonly inbox: number
  /** See `ParleyOptions`. */
  readonly fetch: typeof fetch
  /** See `ParleyOptions`. */
  readonly onError: (error: unknown) => void
}

export const settingsOf = (options: ParleyOptions): Settings => {
  const { url, device, backoff, timeout = 30_000, heartbeat = 20_000, replyTimeout = 15_000 } = options
  const Socket = options.WebSocket ?? globalThis.WebSocket
  return {
    url,
    open: (address) => {
      if (Socket === undefined) throw new ParleyError("connection", "this platform has no WebSocket")
      return new Socket(address)
    },
    // Browsers require `fetch` to be called without another `this`.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? platformClock,
    random: options.random ?? Math.random,
    backoff: { ...defaultBackoff, ...backoff },
    timeout,
    heartbeat,
    replyTimeout,
    limit: options.limit ?? 1000,
    inbox: options.inbox ?? 1000,
    device,
    onError: options.onError ?? ((error) => console.error(error))
  }
}
