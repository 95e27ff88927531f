/**
 * Bytes of clients' input in memory: frames that wait for their turn, those in work, those that have come in part, and the
 * bodies of HTTP requests. They are counted per connection, per client network and in total. Connections without a user have pools of their own, an
 * eighth of those of users, so that nobody can use up the users' before login.
 */
import * as Context from "effect/Context"
import { networkOf } from "../ports/ClientAddress.ts"
import type { EngineSettings } from "../ports/Settings.ts"

/** Bytes that one frame in memory costs beside its text. */
export const FRAME_OVERHEAD = 64

/** A connection that holds no more than this is never the one to go when a pool is exhausted: a login fits. */
export const INPUT_ALLOWANCE = 2048

/** Connections without a user share this part of the bounds per network and in total. */
const UNAUTHENTICATED_SHARE = 1 / 8

type Limits = Pick<EngineSettings, "input" | "unauthenticatedInput" | "inputPerAddress" | "inputTotal">

/** What the connections of one client network hold. */
interface NetworkUse {
  bytes: number
  accounts: number
}

interface Pool {
  /** Bytes of frames that may wait on one connection before reading from it pauses. */
  readonly connection: number
  readonly network: number
  readonly total: number
  bytes: number
  readonly networks: Map<string, NetworkUse>
}

export class InputBudget {
  readonly #users: Pool
  readonly #unauthenticated: Pool

  constructor({ input, unauthenticatedInput, inputPerAddress, inputTotal }: Limits) {
    this.#users = { connection: input, network: inputPerAddress, total: inputTotal, bytes: 0, networks: new Map() }
    this.#unauthenticated = {
      connection: Math.min(unauthenticatedInput, input),
      network: inputPerAddress * UNAUTHENTICATED_SHARE,
      total: inputTotal * UNAUTHENTICATED_SHARE,
      bytes: 0,
      networks: new Map()
    }
  }

  /** Bytes held by all connections. */
  get bytes(): number {
    return this.#users.bytes + this.#unauthenticated.bytes
  }

  /** For a new connection, which has no user. An empty address counts in total only. */
  open(address: string): InputAccount {
    return new InputAccount(networkOf(address), this.#users, this.#unauthenticated)
  }
}

/** What one connection holds. */
export class InputAccount {
  readonly #key: string
  readonly #users: Pool
  readonly #unauthenticated: Pool
  #pool: Pool
  #network: NetworkUse | undefined
  #held = 0
  #closed = false

  constructor(key: string, users: Pool, unauthenticated: Pool) {
    this.#key = key
    this.#users = users
    this.#unauthenticated = unauthenticated
    this.#pool = unauthenticated
    this.#join()
  }

  get isAuthenticated(): boolean {
    return this.#pool === this.#users
  }

  /** Bytes of frames that may wait before reading pauses. */
  get limit(): number {
    return this.#pool.connection
  }

  get held(): number {
    return this.#held
  }

  /** Counts bytes, also those beyond a bound; returns whether the pools of the network and of all have room for them. */
  charge(bytes: number): boolean {
    const pool = this.#pool
    const network = this.#network
    this.#held += bytes
    pool.bytes += bytes
    if (network === undefined) return pool.bytes <= pool.total
    network.bytes += bytes
    return pool.bytes <= pool.total && network.bytes <= pool.network
  }

  /** Whether the pool of the connection's network has no room, rather than the one of all. */
  get isNetworkExhausted(): boolean {
    return this.#network !== undefined && this.#network.bytes > this.#pool.network
  }

  release(bytes: number): void {
    this.#held -= bytes
    this.#pool.bytes -= bytes
    if (this.#network !== undefined) this.#network.bytes -= bytes
    if (this.#closed && this.#held === 0) this.#leave()
  }

  /** The connection has a user, or has none any more: what it holds counts in the other pools. */
  authenticate(isAuthenticated: boolean): void {
    const pool = isAuthenticated ? this.#users : this.#unauthenticated
    if (pool === this.#pool || this.#closed) return
    const held = this.#held
    this.release(held)
    this.#leave()
    this.#pool = pool
    this.#join()
    this.charge(held)
  }

  /** The connection has ended. What is in work still counts until it is released. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#held === 0) this.#leave()
  }

  #join(): void {
    if (this.#key === "") return
    const { networks } = this.#pool
    const network = networks.get(this.#key) ?? { bytes: 0, accounts: 0 }
    if (network.accounts++ === 0) networks.set(this.#key, network)
    this.#network = network
  }

  #leave(): void {
    const network = this.#network
    if (network === undefined) return
    this.#network = undefined
    if (--network.accounts === 0) this.#pool.networks.delete(this.#key)
  }
}

/**
 * Tells the host that the body of the HTTP request in hand is read as it comes, and is not kept in memory: it does not count
 * any more. Without a host that counts bodies it does nothing.
 */
export const StreamBody: Context.Reference<() => void> = Context.Reference<() => void>("@parley/core/StreamBody", {
  defaultValue: () => () => {}
})
