/**
 * Limits total and unauthenticated connections, in total and per client network. Over the total limit, new connections
 * are rejected; over the unauthenticated limit, the longest idle unauthenticated one is. An unauthenticated connection
 * has until the login deadline.
 */
import { networkOf } from "../ports/ClientAddress.ts"
import type { Rejection } from "../ports/Connection.ts"

/** The engine's end of a connection that may be rejected. */
export interface LimitedConnection {
  /** The client's address; "" if unknown, and then not limited by network. */
  readonly address: string
  /** Whether a request is in progress, such as a login, which must not be cut off when its turn has come. */
  readonly isBusy: boolean
  /** Sends the reason to the client and closes. */
  readonly reject: (reason: Rejection) => void
}

/** Maximum share of unauthenticated connections among those of one network. */
const UNAUTHENTICATED_SHARE = 1 / 4

const CONNECTION_LIMIT_REACHED: Rejection = { _tag: "TooManyConnections" }
const ADDRESS_LIMIT_REACHED: Rejection = { _tag: "TooManyOfAddress" }

/** The connections of one client network. */
interface Network {
  readonly key: string
  connections: number
  readonly unauthenticated: Set<LimitedConnection>
}

/** The login deadline of an unauthenticated connection. */
interface LoginWait {
  /** Time at which it is closed, in milliseconds of `LimiterTime`. */
  deadline: number
  extended: boolean
}

export interface ConnectionLimits {
  /** Maximum number of connections at one time, and of unauthenticated ones. */
  readonly connections: number
  readonly unauthenticated: number
  /** Maximum number of connections from one client network; a quarter of it unauthenticated. */
  readonly connectionsPerAddress: number
  /** Seconds for a login. */
  readonly loginDeadline: number
}

export interface LimiterTime {
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  /** Called when a connection starts to wait for its login: `expire` must be called, unless a call is scheduled. */
  readonly onWaiting: () => void
}

export class ConnectionLimiter {
  readonly #limits: ConnectionLimits
  readonly #time: LimiterTime
  readonly #unauthenticatedPerNetwork: number
  /** With its network, if known. */
  readonly #all = new Map<LimitedConnection, Network | undefined>()
  /** In the order in which they became unauthenticated; connections with an extended deadline are last. */
  readonly #unauthenticated = new Map<LimitedConnection, LoginWait>()
  readonly #networks = new Map<string, Network>()

  constructor(limits: ConnectionLimits, time: LimiterTime) {
    this.#limits = limits
    this.#time = time
    this.#unauthenticatedPerNetwork = Math.ceil(limits.connectionsPerAddress * UNAUTHENTICATED_SHARE)
  }

  /** Number of connections that were added and not removed. */
  get size(): number {
    return this.#all.size
  }

  add(connection: LimitedConnection): void {
    if (this.#all.size >= this.#limits.connections) return connection.reject(CONNECTION_LIMIT_REACHED)
    const network = this.#networkOf(connection)
    if (network !== undefined) {
      if (network.connections >= this.#limits.connectionsPerAddress) return connection.reject(ADDRESS_LIMIT_REACHED)
      if (network.connections++ === 0) this.#networks.set(network.key, network)
    }
    this.#all.set(connection, network)
    this.#startLoginWait(connection, network)
  }

  /** Records that the connection has a user. */
  markAuthenticated(connection: LimitedConnection): void {
    this.#unauthenticated.delete(connection)
    this.#all.get(connection)?.unauthenticated.delete(connection)
  }

  /** Records that the connection has no user any more. */
  markUnauthenticated(connection: LimitedConnection): void {
    if (this.#all.has(connection)) this.#startLoginWait(connection, this.#all.get(connection))
  }

  remove(connection: LimitedConnection): void {
    this.markAuthenticated(connection)
    const network = this.#all.get(connection)
    this.#all.delete(connection)
    if (network !== undefined && --network.connections === 0) this.#networks.delete(network.key)
  }

  /**
   * Rejects the connections past their login deadline; a login in progress extends it once. Returns the milliseconds
   * until the next call is due, or undefined while every connection is authenticated.
   */
  expire(): number | undefined {
    const now = this.#time.now()
    for (const [connection, waiting] of this.#unauthenticated) {
      if (waiting.deadline > now) return waiting.deadline - now
      if (connection.isBusy && !waiting.extended) {
        this.#unauthenticated.delete(connection)
        this.#unauthenticated.set(connection, { deadline: now + this.#limits.loginDeadline * 1000, extended: true })
      } else {
        this.markAuthenticated(connection)
        connection.reject({ _tag: "LoginDeadline", seconds: this.#limits.loginDeadline })
      }
    }
    return undefined
  }

  #networkOf({ address }: LimitedConnection): Network | undefined {
    const key = networkOf(address)
    if (key === "") return undefined
    return this.#networks.get(key) ?? { key, connections: 0, unauthenticated: new Set() }
  }

  #startLoginWait(connection: LimitedConnection, network: Network | undefined): void {
    this.#unauthenticated.set(connection, {
      deadline: this.#time.now() + this.#limits.loginDeadline * 1000,
      extended: false
    })
    network?.unauthenticated.add(connection)
    if (network !== undefined && network.unauthenticated.size > this.#unauthenticatedPerNetwork) {
      this.#rejectIdle(network.unauthenticated, ADDRESS_LIMIT_REACHED)
    } else if (this.#unauthenticated.size > this.#limits.unauthenticated)
      this.#rejectIdle(this.#unauthenticated.keys(), CONNECTION_LIMIT_REACHED)
    if (this.#unauthenticated.size > 0) this.#time.onWaiting()
  }

  #rejectIdle(unauthenticated: Iterable<LimitedConnection>, reason: Rejection): void {
    for (const longest of unauthenticated) {
      if (longest.isBusy) continue
      this.markAuthenticated(longest)
      return longest.reject(reason)
    }
  }
}
