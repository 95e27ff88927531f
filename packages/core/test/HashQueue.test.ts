/** Turns of slow hashes: fair by address, and bounded. */
import { assert, describe, it } from "@effect/vitest"
import { HashQueue, type Kind } from "../src/auth/HashQueue.ts"
import { Deferred, Effect, Fiber } from "effect"

const times = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

/** A queue in which one hash at a time runs, until the test ends it. */
const withFixture = () => {
  const queue = new HashQueue(1)
  const begun: Array<string> = []
  const ends: Array<() => void> = []
  let isOver = false
  const hash = (name: string, kind: Kind, address = name) =>
    queue.run(
      kind,
      address,
      Effect.callback<void>((resume) => {
        if (isOver) return resume(Effect.void)
        begun.push(name)
        ends.push(() => resume(Effect.void))
      })
    )
  const endOne = Effect.suspend(() => {
    ends.pop()?.()
    return Effect.yieldNow
  })
  /** Lets all that wait run through: those that have begun cannot be interrupted. */
  const finish = Effect.suspend(() => {
    isOver = true
    return endOne
  })
  return { queue, begun, hash, endOne, finish }
}

describe("hashes", () => {
  it.effect("of one address delay another's by one hash, whatever their number", () =>
    Effect.gen(function* () {
      const { begun, hash, endOne, finish } = withFixture()
      yield* Effect.forEach(
        times(500, () => hash("flood", "unknown")),
        (one) => Effect.forkChild(one)
      )
      yield* Effect.yieldNow
      yield* Effect.forkChild(hash("ann", "unknown"))
      yield* Effect.yieldNow
      for (let ended = 0; ended < 3; ended++) yield* endOne
      assert.deepStrictEqual(begun, ["flood", "flood", "ann", "flood"])
      yield* finish
    })
  )

  it.effect("of addresses take turns, those of each in order", () =>
    Effect.gen(function* () {
      const { begun, hash, endOne, finish } = withFixture()
      const names = ["a1", "a2", "a3", "b1", "b2", "c1"]
      yield* Effect.forEach(names, (name) => Effect.forkChild(hash(name, "unknown", name.charAt(0))))
      yield* Effect.yieldNow
      for (const _ of names) yield* endOne
      assert.deepStrictEqual(begun, ["a1", "a2", "b1", "c1", "a3", "b2"])
      yield* finish
    })
  )

  it.effect("of known addresses alternate with all others", () =>
    Effect.gen(function* () {
      const { begun, hash, endOne, finish } = withFixture()
      yield* Effect.forEach(
        times(100, (index) => hash("flood", "unknown", `10.0.0.${index}`)),
        (one) => Effect.forkChild(one)
      )
      yield* Effect.yieldNow
      for (const name of ["ann", "ben"]) yield* Effect.forkChild(hash(name, "known"))
      yield* Effect.yieldNow
      for (let ended = 0; ended < 4; ended++) yield* endOne
      assert.deepStrictEqual(begun, ["flood", "ann", "flood", "ben", "flood"])
      yield* finish
    })
  )

  it.effect("leave the queue if interrupted while waiting, and complete if running", () =>
    Effect.gen(function* () {
      const { begun, hash, endOne, finish } = withFixture()
      const running = yield* Effect.forkChild(hash("a", "unknown"))
      const waiting = yield* Effect.forkChild(hash("b", "unknown"))
      yield* Effect.forkChild(hash("c", "unknown"))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(waiting)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(running))
      yield* Effect.yieldNow
      assert.deepStrictEqual(begun, ["a"])
      yield* endOne
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(begun, ["a", "c"])
      yield* finish
    })
  )

  it.effect("are admitted up to a bound per address and in total", () =>
    Effect.gen(function* () {
      const { queue } = withFixture()
      const gate = yield* Deferred.make<void>()
      const admit = (address: string) =>
        Effect.forkChild(Effect.result(queue.admit("unknown", address, Deferred.await(gate))))
      yield* Effect.forEach(
        times(1000, () => "a"),
        admit
      )
      yield* Effect.yieldNow
      const tag = (address: string) =>
        Effect.match(queue.admit("unknown", address, Effect.void), {
          onSuccess: () => "admitted",
          onFailure: ({ reason }) => reason._tag
        })
      assert.strictEqual(yield* tag("a"), "RateLimited")
      assert.strictEqual(yield* tag("b"), "admitted")
      yield* Effect.forEach(
        times(1000, (index) => `b${index}`),
        admit
      )
      yield* Effect.yieldNow
      assert.strictEqual(yield* tag("b"), "RateLimited")
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.yieldNow
      assert.strictEqual(yield* tag("a"), "admitted")
    })
  )
})
