/**
 * The connections that there are, and which of them have no user. Both are bounded, in total and per client network:
 * whoever comes when all places are taken is turned away, and so is, when there are too many without a user, the one of
 * those that has been idle for longest. A connection without a user has until the login deadline.
 */
import { networkOf } from "../ports/ClientAddress.ts"
import type { Rejection } from "../ports/Connection.ts"

/** A connection's engine end, as far as it can be turned away. */
export interface Visitor {
  /** The client's address; "" where it is not known, and nothing is bounded by it. */
  readonly address: string
  /** Whether something is under way for it: a login, say, which must not be cut off when its turn has come. */
  readonly isBusy: boolean
  /** Tells the client why, and closes. */
  readonly turnAway: (reason: Rejection) => void
}

/** Of the connections of one network, this part may be without a user. */
const STRANGERS_SHARE = 1 / 4

const CROWDED: Rejection = { _tag: "TooManyConnections" }
const ADDRESS_CROWDED: Rejection = { _tag: "TooManyOfAddress" }

/** The connections of one client network. */
interface Network {
  readonly key: string
  connections: number
  readonly strangers: Set<Visitor>
}

interface Waiting {
  /** Milliseconds at which it is closed. */
  deadline: number
  extended: boolean
}

export interface CrowdLimits {
  /** Connections at one time, and those of them without a user. */
  readonly connections: number
  readonly strangers: number
  /** The same for one client network; a quarter of it without a user. */
  readonly connectionsPerAddress: number
  /** Seconds for a login. */
  readonly loginDeadline: number
}

export interface CrowdTime {
  /** Milliseconds, never going back. */
  readonly now: () => number
  /** A connection waits for its login: `expire` is due, unless its last result is still ahead. */
  readonly waiting: () => void
}

export class Crowd {
  readonly #limits: CrowdLimits
  readonly #time: CrowdTime
  readonly #strangersPerNetwork: number
  /** With its network, where that is known. */
  readonly #all = new Map<Visitor, Network | undefined>()
  /** In the order in which they came to be without a user; those whose time was extended are behind. */
  readonly #strangers = new Map<Visitor, Waiting>()
  readonly #networks = new Map<string, Network>()

  constructor(limits: CrowdLimits, time: CrowdTime) {
    this.#limits = limits
    this.#time = time
    this.#strangersPerNetwork = Math.ceil(limits.connectionsPerAddress * STRANGERS_SHARE)
  }

  arrive(visitor: Visitor): void {
    if (this.#all.size >= this.#limits.connections) return visitor.turnAway(CROWDED)
    const network = this.#networkOf(visitor)
    if (network !== undefined) {
      if (network.connections >= this.#limits.connectionsPerAddress) return visitor.turnAway(ADDRESS_CROWDED)
      if (network.connections++ === 0) this.#networks.set(network.key, network)
    }
    this.#all.set(visitor, network)
    this.#await(visitor, network)
  }

  /** It has a user now. */
  welcome(visitor: Visitor): void {
    this.#strangers.delete(visitor)
    this.#all.get(visitor)?.strangers.delete(visitor)
  }

  /** It has no user any more. */
  estrange(visitor: Visitor): void {
    if (this.#all.has(visitor)) this.#await(visitor, this.#all.get(visitor))
  }

  leave(visitor: Visitor): void {
    this.welcome(visitor)
    const network = this.#all.get(visitor)
    this.#all.delete(visitor)
    if (network !== undefined && --network.connections === 0) this.#networks.delete(network.key)
  }

  /**
   * Turns away the connections whose time for a login is over; one whose login is in work has it once more. Returns the
   * milliseconds until this is due again; undefined while every connection has a user.
   */
  expire(): number | undefined {
    const now = this.#time.now()
    for (const [visitor, waiting] of this.#strangers) {
      if (waiting.deadline > now) return waiting.deadline - now
      if (visitor.isBusy && !waiting.extended) {
        this.#strangers.delete(visitor)
        this.#strangers.set(visitor, { deadline: now + this.#limits.loginDeadline * 1000, extended: true })
      } else {
        this.welcome(visitor)
        visitor.turnAway({ _tag: "LoginDeadline", seconds: this.#limits.loginDeadline })
      }
    }
    return undefined
  }

  #networkOf({ address }: Visitor): Network | undefined {
    const key = networkOf(address)
    if (key === "") return undefined
    return this.#networks.get(key) ?? { key, connections: 0, strangers: new Set() }
  }

  #await(visitor: Visitor, network: Network | undefined): void {
    this.#strangers.set(visitor, { deadline: this.#time.now() + this.#limits.loginDeadline * 1000, extended: false })
    network?.strangers.add(visitor)
    if (network !== undefined && network.strangers.size > this.#strangersPerNetwork) {
      this.#turnAwayIdle(network.strangers, ADDRESS_CROWDED)
    } else if (this.#strangers.size > this.#limits.strangers) this.#turnAwayIdle(this.#strangers.keys(), CROWDED)
    if (this.#strangers.size > 0) this.#time.waiting()
  }

  #turnAwayIdle(strangers: Iterable<Visitor>, reason: Rejection): void {
    for (const longest of strangers) {
      if (longest.isBusy) continue
      this.welcome(longest)
      return longest.turnAway(reason)
    }
  }
}
