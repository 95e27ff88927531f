/**
 * Delivers an outbox to another service: one item at a time, in order, each again with increasing delays until it is
 * accepted. For callbacks and webhooks.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Semaphore from "effect/Semaphore"
import type { Refused } from "../model/Refused.ts"

/** Items for one receiver, in a store: each is returned until it is removed, including after a restart. */
export interface Outbox<A> {
  /** Returns the oldest item; waits while there is none. */
  readonly next: Effect.Effect<A, Refused>
  /** Removes the item that `next` returned; durable once it returns. */
  readonly remove: (item: A) => Effect.Effect<void, Refused>
}

/** Delay after the first failure, in milliseconds; doubled after each further one. */
const FIRST_DELAY = 1000
/** Concurrent attempts to receivers that accepted their last item, and to those that did not. */
const ATTEMPTS = 64
const RETRIES = 16

/**
 * Limits concurrent attempts of several outboxes. Receivers that fail have a limit of their own: attempts to receivers
 * that do not respond never delay those to the others.
 */
export class AttemptLimits {
  readonly #attempts = Semaphore.makeUnsafe(ATTEMPTS)
  readonly #retries = Semaphore.makeUnsafe(RETRIES)

  /** Runs an attempt when there is room for it; `isRetry` if the last one failed. */
  readonly run = <A, E, R>(attempt: Effect.Effect<A, E, R>, isRetry: boolean): Effect.Effect<A, E, R> =>
    (isRetry ? this.#retries : this.#attempts).withPermits(1)(attempt)
}

/** A series of failed attempts. */
export interface Failing {
  /** Number of attempts since the last success. */
  readonly attempts: number
  /** Time of the first one; milliseconds since 1970. */
  readonly since: number
  /** Reason of the last one. */
  readonly problem: string
}

/** Outbox, attempt and limits of one delivery. */
export interface Delivery<A> {
  /** Items to deliver. */
  readonly outbox: Outbox<A>
  /** One attempt. Returns undefined if the item was accepted, otherwise why not. */
  readonly attempt: (item: A) => Effect.Effect<string | undefined>
  /** Limits that several deliveries share. */
  readonly limits: AttemptLimits
  /** Maximum delay between two attempts, in milliseconds. */
  readonly maxDelay: number
  /** Called after each failed attempt, and with undefined after the next success. */
  readonly onChange: (failing: Failing | undefined) => Effect.Effect<void>
}

/**
 * Delivers until it is interrupted. An item is removed after it was accepted: a crash between the two repeats it, and
 * none is lost. A failure of the store counts as a failed attempt.
 */
export const deliverOutbox = Effect.fnUntraced(function* <A>({
  outbox,
  attempt,
  limits,
  maxDelay,
  onChange
}: Delivery<A>): Effect.fn.Return<never> {
  let failing: Failing | undefined

  const problemOf = Effect.gen(function* () {
    const item = yield* outbox.next
    const problem = yield* limits.run(attempt(item), failing !== undefined)
    if (problem === undefined) yield* outbox.remove(item)
    return problem
  }).pipe(Effect.catchTag("Refused", ({ reason }) => Effect.succeed(`the storage failed (${reason._tag})`)))

  for (;;) {
    const problem = yield* problemOf
    if (problem === undefined) {
      if (failing !== undefined) yield* onChange(undefined)
      failing = undefined
      continue
    }
    failing = {
      attempts: (failing?.attempts ?? 0) + 1,
      since: failing?.since ?? (yield* Clock.currentTimeMillis),
      problem
    }
    yield* onChange(failing)
    yield* Effect.sleep(yield* delayAfter(failing.attempts, maxDelay))
  }
})

/** Returns the delay after this many failures: at most `maxDelay`, and at least half of it, at random. */
const delayAfter = (failures: number, maxDelay: number): Effect.Effect<number> =>
  Effect.map(Random.next, (random) => {
    const full = Math.min(FIRST_DELAY * 2 ** Math.min(failures - 1, 30), maxDelay)
    return Math.ceil(full * (0.5 + random / 2))
  })
