/**
 * Accounts for client input in memory: queued, running and partial frames, and the bodies of HTTP requests, in bytes.
 * They are counted per connection, per client network and in total. Unauthenticated connections have pools of their
 * own, an eighth of the users' pools, so that they cannot exhaust those.
 */
import * as Context from "effect/Context"
import { networkOf } from "../ports/ClientAddress.ts"
import type { EngineSettings } from "../ports/Settings.ts"

/** Overhead of one frame in memory beside its text, in bytes. */
export const FRAME_OVERHEAD = 64

/**
 * Allowance in bytes: a connection that holds no more is never closed when a pool is exhausted, so that a login fits.
 */
export const INPUT_ALLOWANCE = 2048

/** Share of unauthenticated connections in the limits per network and in total. */
const UNAUTHENTICATED_SHARE = 1 / 8

type Limits = Pick<EngineSettings, "input" | "unauthenticatedInput" | "inputPerAddress" | "inputTotal">

/** Bytes held by the connections of one client network. */
interface NetworkUse {
  bytes: number
  accounts: number
}

interface Pool {
  /** Bytes of queued frames of one connection before reading from it pauses. */
  readonly connection: number
  readonly network: number
  readonly total: number
  bytes: number
  readonly networks: Map<string, NetworkUse>
}

/** Limits the client input in memory, in bytes: by connection, by address and in total. */
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

  /** Opens the account of a new, unauthenticated connection. An empty address counts in total only. */
  open(address: string): InputAccount {
    return new InputAccount(networkOf(address), this.#users, this.#unauthenticated)
  }
}

/** Input held by one connection. */
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

  /** Whether the connection has a user. */
  get isAuthenticated(): boolean {
    return this.#pool === this.#users
  }

  /** Bytes of queued frames before reading pauses. */
  get limit(): number {
    return this.#pool.connection
  }

  /** Bytes of input that wait. */
  get held(): number {
    return this.#held
  }

  /** Counts bytes, even over a limit; returns whether the network's and the total pool have room for them. */
  charge(bytes: number): boolean {
    const pool = this.#pool
    const network = this.#network
    this.#held += bytes
    pool.bytes += bytes
    if (network === undefined) return pool.bytes <= pool.total
    network.bytes += bytes
    return pool.bytes <= pool.total && network.bytes <= pool.network
  }

  /** Whether the pool of the connection's network is exhausted, rather than the total. */
  get isNetworkExhausted(): boolean {
    return this.#network !== undefined && this.#network.bytes > this.#pool.network
  }

  /** Gives back bytes that were handled. */
  release(bytes: number): void {
    this.#held -= bytes
    this.#pool.bytes -= bytes
    if (this.#network !== undefined) this.#network.bytes -= bytes
    if (this.#closed && this.#held === 0) this.#leave()
  }

  /** Moves the held bytes to the other pools when the connection gains or loses its user. */
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

  /** Closes the account. Running requests still count until they are released. */
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
 * Notifies the host that the body of the current HTTP request is streamed and no longer held in memory, so that it
 * stops counting. Does nothing without a host that counts bodies.
 */
export const StreamBody: Context.Reference<() => void> = Context.Reference<() => void>("@parley/core/StreamBody", {
  defaultValue: () => () => {}
})
