/**
 * The connections that there are, and which of them have no user. Both are bounded, in total and per client network:
 * whoever comes when all places are taken is turned away, and so is, when there are too many without a user, the one of
 * those that has been idle for longest. A connection without a user has until the login deadline.
 */
import { networkOf } from "../ports/ClientAddress.ts"
import type { Rejection } from "../ports/Connection.ts"

/** A connection's engine end, as far as it can be turned away. */
export interface LimitedConnection {
  /** The client's address; "" where it is not known, and nothing is bounded by it. */
  readonly address: string
  /** Whether something is under way for it: a login, say, which must not be cut off when its turn has come. */
  readonly isBusy: boolean
  /** Tells the client why, and closes. */
  readonly reject: (reason: Rejection) => void
}

/** Of the connections of one network, this part may be without a user. */
const UNAUTHENTICATED_SHARE = 1 / 4

const CONNECTION_LIMIT_REACHED: Rejection = { _tag: "TooManyConnections" }
const ADDRESS_LIMIT_REACHED: Rejection = { _tag: "TooManyOfAddress" }

/** The connections of one client network. */
interface Network {
  readonly key: string
  connections: number
  readonly unauthenticated: Set<LimitedConnection>
}

interface Waiting {
  /** Milliseconds at which it is closed. */
  deadline: number
  extended: boolean
}

export interface ConnectionLimits {
  /** Connections at one time, and those of them without a user. */
  readonly connections: number
  readonly unauthenticated: number
  /** The same for one client network; a quarter of it without a user. */
  readonly connectionsPerAddress: number
  /** Seconds for a login. */
  readonly loginDeadline: number
}

export interface LimiterTime {
  /** Milliseconds, never going back. */
  readonly now: () => number
  /** A connection waits for its login: `expire` is due, unless its last result is still ahead. */
  readonly waiting: () => void
}

export class ConnectionLimiter {
  readonly #limits: ConnectionLimits
  readonly #time: LimiterTime
  readonly #unauthenticatedPerNetwork: number
  /** With its network, where that is known. */
  readonly #all = new Map<LimitedConnection, Network | undefined>()
  /** In the order in which they came to be without a user; those whose time was extended are behind. */
  readonly #unauthenticated = new Map<LimitedConnection, Waiting>()
  readonly #networks = new Map<string, Network>()

  constructor(limits: ConnectionLimits, time: LimiterTime) {
    this.#limits = limits
    this.#time = time
    this.#unauthenticatedPerNetwork = Math.ceil(limits.connectionsPerAddress * UNAUTHENTICATED_SHARE)
  }

  add(connection: LimitedConnection): void {
    if (this.#all.size >= this.#limits.connections) return connection.reject(CONNECTION_LIMIT_REACHED)
    const network = this.#networkOf(connection)
    if (network !== undefined) {
      if (network.connections >= this.#limits.connectionsPerAddress) return connection.reject(ADDRESS_LIMIT_REACHED)
      if (network.connections++ === 0) this.#networks.set(network.key, network)
    }
    this.#all.set(connection, network)
    this.#await(connection, network)
  }

  /** It has a user now. */
  markAuthenticated(connection: LimitedConnection): void {
    this.#unauthenticated.delete(connection)
    this.#all.get(connection)?.unauthenticated.delete(connection)
  }

  /** It has no user any more. */
  markUnauthenticated(connection: LimitedConnection): void {
    if (this.#all.has(connection)) this.#await(connection, this.#all.get(connection))
  }

  remove(connection: LimitedConnection): void {
    this.markAuthenticated(connection)
    const network = this.#all.get(connection)
    this.#all.delete(connection)
    if (network !== undefined && --network.connections === 0) this.#networks.delete(network.key)
  }

  /**
   * Turns away the connections whose time for a login is over; one whose login is in work has it once more. Returns the
   * milliseconds until this is due again; undefined while every connection has a user.
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

  #await(connection: LimitedConnection, network: Network | undefined): void {
    this.#unauthenticated.set(connection, {
      deadline: this.#time.now() + this.#limits.loginDeadline * 1000,
      extended: false
    })
    network?.unauthenticated.add(connection)
    if (network !== undefined && network.unauthenticated.size > this.#unauthenticatedPerNetwork) {
      this.#rejectIdle(network.unauthenticated, ADDRESS_LIMIT_REACHED)
    } else if (this.#unauthenticated.size > this.#limits.unauthenticated)
      this.#rejectIdle(this.#unauthenticated.keys(), CONNECTION_LIMIT_REACHED)
    if (this.#unauthenticated.size > 0) this.#time.waiting()
  }

  #rejectIdle(unauthenticated: Iterable<LimitedConnection>, reason: Rejection): void {
    for (const longest of unauthenticated) {
      if (longest.isBusy) continue
      this.markAuthenticated(longest)
      return longest.reject(reason)
    }
  }
}
