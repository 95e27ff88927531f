/** Delivery of an outbox: order, retries with increasing delays by the clock, and independence of receivers. */
import { assert, describe, it } from "@effect/vitest"
import { AttemptLimits, deliverOutbox, type Failing, type Outbox } from "@parley/core/Outbox"
import { type Refused, refuse } from "@parley/core/Refused"
import { Clock, Effect, Random } from "effect"
import { TestClock } from "effect/testing"

/** An outbox in memory, which can fail to remove. */
const outboxOf = (...items: ReadonlyArray<string>) => {
  const left = [...items]
  let failures = 0
  const outbox: Outbox<string> = {
    next: Effect.suspend((): Effect.Effect<string, Refused> => {
      const [first] = left
      return first === undefined ? Effect.never : Effect.succeed(first)
    }),
    remove: (item) =>
      Effect.suspend((): Effect.Effect<void, Refused> => {
        if (failures > 0) {
          failures--
          return Effect.fail(refuse({ _tag: "Unavailable" }))
        }
        assert.strictEqual(left.shift(), item)
        return Effect.void
      })
  }
  return { outbox, left, failRemoval: () => void failures++ }
}

/** A receiver that records attempts with their time, and accepts those for which `accepts` returns true. */
const receiverOf = (accepts: (attempt: number, item: string) => boolean) => {
  const attempts: Array<readonly [seconds: number, item: string]> = []
  const states: Array<Failing | undefined> = []
  return {
    attempts,
    states,
    attempt: Effect.fnUntraced(function* (item: string): Effect.fn.Return<string | undefined> {
      const now = yield* Clock.currentTimeMillis
      attempts.push([now / 1000, item])
      return accepts(attempts.length, item) ? undefined : "responded with status 500"
    }),
    onChange: (state: Failing | undefined) => Effect.sync(() => void states.push(state))
  }
}

/** Each delay is the full one. */
const fullDelays = Effect.provideService(Random.Random, {
  nextIntUnsafe: () => 0,
  nextDoubleUnsafe: () => 1
})

describe("delivery of an outbox", () => {
  it.effect("retries the first item with doubled delays up to the maximum, and keeps the order", () =>
    Effect.gen(function* () {
      const { outbox, left } = outboxOf("a", "b", "c")
      const receiver = receiverOf((attempt) => attempt > 6)
      yield* Effect.forkScoped(
        deliverOutbox({ outbox, limits: new AttemptLimits(), maxDelay: 8000, ...receiver }).pipe(fullDelays)
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(receiver.attempts, [
        [0, "a"],
        [1, "a"],
        [3, "a"],
        [7, "a"],
        [15, "a"],
        [23, "a"],
        [31, "a"],
        [31, "b"],
        [31, "c"]
      ])
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(
        receiver.states.map((state) => state?.attempts),
        [1, 2, 3, 4, 5, 6, undefined]
      )
      assert.deepStrictEqual(receiver.states[5], { attempts: 6, since: 0, problem: "responded with status 500" })
    })
  )

  it.effect("delays are random between half and all of the full delay", () =>
    Effect.gen(function* () {
      const { outbox } = outboxOf("a")
      const receiver = receiverOf(() => false)
      yield* Effect.forkScoped(deliverOutbox({ outbox, limits: new AttemptLimits(), maxDelay: 4000, ...receiver }))
      yield* TestClock.adjust("1 minute")
      const delays = receiver.attempts.slice(1).map(([at], index) => at - (receiver.attempts[index]?.[0] ?? 0))
      for (const [index, delay] of delays.entries()) {
        const full = Math.min(2 ** index, 4)
        assert.isTrue(delay >= full / 2 && delay <= full, `delay ${index} is ${delay}`)
      }
      assert.isAbove(new Set(delays.slice(2)).size, 1)
    })
  )

  it.effect("an accepted item that could not be removed is sent again", () =>
    Effect.gen(function* () {
      const { outbox, left, failRemoval } = outboxOf("a", "b")
      const receiver = receiverOf(() => true)
      failRemoval()
      yield* Effect.forkScoped(deliverOutbox({ outbox, limits: new AttemptLimits(), maxDelay: 8000, ...receiver }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        receiver.attempts.map(([, item]) => item),
        ["a", "a", "b"]
      )
      assert.deepStrictEqual(left, [])
      assert.match(receiver.states[0]?.problem ?? "", /storage failed/)
    })
  )

  it.effect("receivers that never respond do not delay others, not even hundreds of them", () =>
    Effect.gen(function* () {
      const limits = new AttemptLimits()
      const hanging = Effect.as(Effect.sleep(10_000), "did not respond within 10 seconds")
      for (let index = 0; index < 500; index++) {
        const { outbox } = outboxOf("a")
        yield* Effect.forkScoped(
          deliverOutbox({ outbox, limits, maxDelay: 8000, attempt: () => hanging, onChange: () => Effect.void })
        )
      }
      // All have failed once, after the attempts at the same time were over.
      yield* TestClock.adjust("100 seconds")
      const { outbox, left } = outboxOf("a", "b", "c")
      const receiver = receiverOf(() => true)
      yield* Effect.forkScoped(deliverOutbox({ outbox, limits, maxDelay: 8000, ...receiver }))
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(left, [])
    })
  )
})
