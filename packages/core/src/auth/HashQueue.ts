/**
 * Shares the slow password hashes fairly. Addresses take turns: one address, however many logins it sends, delays
 * another one by one hash per round. Logins from addresses known to their user alternate with the others, so that a
 * flood from many addresses does not delay them either.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Refused, refuse } from "../model/Refused.ts"

/** Maximum number of concurrent logins of each kind, most of them waiting for their hash. */
const MAX_ADMITTED = 2000
/** Maximum number of concurrent logins of one address. */
const MAX_PER_ADDRESS = 1000
/** Seconds after which a login that was not admitted may be retried. */
const RETRY_AFTER_SECONDS = 10

/** Whether an address is known to the user who logs in from it. */
export type Kind = "known" | "unknown"

interface Waiter {
  hasTurn: boolean
  readonly resume: (effect: Effect.Effect<void>) => void
}

/** Round robin of waiters by address; the first address is next. */
class RoundRobin {
  readonly #queues = new Map<string, Set<Waiter>>()
  size = 0

  add(address: string, waiter: Waiter): void {
    const queue = this.#queues.get(address)
    if (queue === undefined) this.#queues.set(address, new Set([waiter]))
    else queue.add(waiter)
    this.size++
  }

  remove(address: string, waiter: Waiter): void {
    const queue = this.#queues.get(address)
    if (queue?.delete(waiter) !== true) return
    this.size--
    if (queue.size === 0) this.#queues.delete(address)
  }

  next(): Waiter | undefined {
    for (const [address, queue] of this.#queues) {
      for (const waiter of queue) {
        this.remove(address, waiter)
        // To the end of the rotation.
        this.#queues.delete(address)
        if (queue.size > 0) this.#queues.set(address, queue)
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
  /** Waiters from addresses known to their user, and all others. */
  readonly #waiting = { known: new RoundRobin(), unknown: new RoundRobin() }
  #last: Kind = "unknown"

  /** `concurrency` is the number of concurrent hashes. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** Runs the check of one login, which may hash. Refused with `RateLimited` if too many are running. */
  admit<A, R>(kind: Kind, address: string, check: Effect.Effect<A, Refused, R>): Effect.Effect<A, Refused, R> {
    return Effect.suspend(() => {
      const admitted = this.#admitted[kind]
      const ofAddress = admitted.byAddress.get(address) ?? 0
      if (admitted.total >= MAX_ADMITTED || ofAddress >= MAX_PER_ADDRESS) {
        return refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY_AFTER_SECONDS })
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

  /** Runs a hash in its turn. Interruptible while it waits; a running hash ends before the next one begins. */
  run<A, E, R>(kind: Kind, address: string, hash: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(
        this.#acquire(kind, address, restore),
        Effect.ensuring(
          hash,
          Effect.sync(() => this.#release())
        )
      )
    )
  }

  #acquire(
    kind: Kind,
    address: string,
    restore: (wait: Effect.Effect<void>) => Effect.Effect<void>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#running < this.#concurrency) {
        this.#running++
        return Effect.void
      }
      const waiters = this.#waiting[kind]
      let waiter: Waiter | undefined
      const wait = Effect.callback<void>((resume) => {
        waiter = { hasTurn: false, resume }
        waiters.add(address, waiter)
      })
      return Effect.onExit(restore(wait), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit) || waiter === undefined) return
          // Interrupted while waiting, or between its turn and its next step.
          if (waiter.hasTurn) this.#release()
          else waiters.remove(address, waiter)
        })
      )
    })
  }

  /** Passes the turn to the next waiter, or releases it. */
  #release(): void {
    const first = this.#last === "known" ? "unknown" : "known"
    const kind = this.#waiting[first].size > 0 ? first : this.#last
    const waiter = this.#waiting[kind].next()
    if (waiter === undefined) {
      this.#running--
      return
    }
    this.#last = kind
    waiter.hasTurn = true
    waiter.resume(Effect.void)
  }
}
