/**
 * Shares the slow password hashes fairly. Addresses take turns: one of them, however many logins it sends, delays
 * another one's by a hash per round. Logins from addresses known to their user alternate with the others, so that a
 * flood from many addresses does not delay them either.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Refused, refuse } from "../model/Refused.ts"

/** Logins of each kind that are checked at once, most of them waiting for their hash. */
const MAX_ADMITTED = 2000
/** Logins of one address that are checked at once. */
const MAX_PER_ADDRESS = 1000
/** Seconds after which a login that was not admitted may come again. */
const RETRY_AFTER = 10

/** Whether an address is known to the user who logs in from it. */
export type Kind = "known" | "unknown"

interface Waiter {
  hasTurn: boolean
  readonly resume: (effect: Effect.Effect<void>) => void
}

/** Waiters by address; the first address is the next one. */
class Ring {
  readonly #lines = new Map<string, Set<Waiter>>()
  size = 0

  add(address: string, waiter: Waiter): void {
    const line = this.#lines.get(address)
    if (line === undefined) this.#lines.set(address, new Set([waiter]))
    else line.add(waiter)
    this.size++
  }

  remove(address: string, waiter: Waiter): void {
    const line = this.#lines.get(address)
    if (line?.delete(waiter) !== true) return
    this.size--
    if (line.size === 0) this.#lines.delete(address)
  }

  next(): Waiter | undefined {
    for (const [address, line] of this.#lines) {
      for (const waiter of line) {
        this.remove(address, waiter)
        // Behind all others.
        this.#lines.delete(address)
        if (line.size > 0) this.#lines.set(address, line)
        return waiter
      }
    }
    return undefined
  }
}

export class HashQueue {
  readonly #concurrency: number
  #running = 0
  readonly #admitted = {
    known: { total: 0, byAddress: new Map<string, number>() },
    unknown: { total: 0, byAddress: new Map<string, number>() }
  }
  /** Addresses known to their user, and all others. */
  readonly #rings = { known: new Ring(), unknown: new Ring() }
  #last: Kind = "unknown"

  /** `concurrency` is the number of hashes computed side by side. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** Runs the check of one login, which may hash. Refused with `RateLimited` where too many are under way. */
  admit<A, R>(kind: Kind, address: string, check: Effect.Effect<A, Refused, R>): Effect.Effect<A, Refused, R> {
    return Effect.suspend(() => {
      const admitted = this.#admitted[kind]
      const ofAddress = admitted.byAddress.get(address) ?? 0
      if (admitted.total >= MAX_ADMITTED || ofAddress >= MAX_PER_ADDRESS) {
        return refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY_AFTER })
      }
      admitted.total++
      admitted.byAddress.set(address, ofAddress + 1)
      const leave = Effect.sync(() => {
        admitted.total--
        const left = (admitted.byAddress.get(address) ?? 0) - 1
        if (left > 0) admitted.byAddress.set(address, left)
        else admitted.byAddress.delete(address)
      })
      return Effect.ensuring(check, leave)
    })
  }

  /** Runs a hash in its turn. Interruptible while it waits; a hash that runs ends before the next one begins. */
  run<A, E, R>(kind: Kind, address: string, hash: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(
        this.#turn(kind, address, restore),
        Effect.ensuring(
          hash,
          Effect.sync(() => this.#release())
        )
      )
    )
  }

  #turn(kind: Kind, address: string, restore: (wait: Effect.Effect<void>) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#running < this.#concurrency) {
        this.#running++
        return Effect.void
      }
      const ring = this.#rings[kind]
      let waiter: Waiter | undefined
      const wait = Effect.callback<void>((resume) => {
        waiter = { hasTurn: false, resume }
        ring.add(address, waiter)
      })
      return Effect.onExit(restore(wait), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit) || waiter === undefined) return
          // Interrupted: while it waited, or between its turn and its next step.
          if (waiter.hasTurn) this.#release()
          else ring.remove(address, waiter)
        })
      )
    })
  }

  /** Hands the turn on, or gives it back. */
  #release(): void {
    const first = this.#last === "known" ? "unknown" : "known"
    const kind = this.#rings[first].size > 0 ? first : this.#last
    const waiter = this.#rings[kind].next()
    if (waiter === undefined) {
      this.#running--
      return
    }
    this.#last = kind
    waiter.hasTurn = true
    waiter.resume(Effect.void)
  }
}
