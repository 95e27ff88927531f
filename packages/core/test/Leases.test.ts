/** Work that one of several nodes does at a time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Leases } from "@parley/core/Leases"
import { engineLayer } from "./harness.ts"
import { BUSES, makeCluster, type Node, on, turns } from "./twoNodes.ts"

/** Nodes that do the work, with every start and end. */
const makeWork = () => {
  const working = new Set<string>()
  const events: Array<string> = []
  const work = (name: string) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        events.push(`${name} begins${working.size > 0 ? `, beside ${[...working].join()}` : ""}`)
        working.add(name)
      }),
      () => Effect.never,
      () =>
        Effect.sync(() => {
          working.delete(name)
          events.push(`${name} ends`)
        })
    )
  const hold = (node: Node, name: string) =>
    Effect.forkDetach(on(node)(Effect.flatMap(Leases, ({ hold: holding }) => holding("work", work(name)))), {
      startImmediately: true
    })
  return { hold, working, events }
}

const pass = (time: Parameters<typeof TestClock.adjust>[0]) => Effect.andThen(TestClock.adjust(time), turns)

describe.each(BUSES)("a lease of nodes on $bus", ({ delivers }) => {
  const cluster = makeCluster((packet) => (delivers ? [packet] : []))

  it.effect("is held by one node, and passes on when its work has ended", () =>
    Effect.gen(function* () {
      const { here, there } = yield* cluster
      const { hold, working } = makeWork()
      yield* pass("1 second")
      const first = yield* hold(here, "one")
      yield* pass("1 second")
      const second = yield* hold(there, "other")
      yield* pass("1 minute")
      assert.deepStrictEqual([...working], ["one"])
      yield* Fiber.interrupt(first)
      yield* pass(delivers ? "20 millis" : "2 seconds")
      assert.deepStrictEqual([...working], ["other"])
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual([...working], [])
    })
  )

  it.effect("passes on some seconds after its holder has died", () =>
    Effect.gen(function* () {
      const { there, start } = yield* cluster
      const { hold, working, events } = makeWork()
      const scope = yield* Scope.make()
      const dying = yield* Scope.provide(start(true), scope)
      yield* pass("1 second")
      yield* hold(dying, "dying")
      yield* pass("1 second")
      assert.deepStrictEqual([...working], ["dying"])
      // The node ends without releasing anything.
      yield* Scope.close(scope, Exit.void)
      working.delete("dying")
      const second = yield* hold(there, "other")
      yield* pass("5 seconds")
      assert.deepStrictEqual([...working], [])
      yield* pass("6 seconds")
      assert.deepStrictEqual([...working], ["other"])
      assert.deepStrictEqual(events, ["dying begins", "dying ends", "other begins"])
      yield* Fiber.interrupt(second)
    })
  )

  it.effect("is lost by a node that cannot reach the store, before another one takes it", () =>
    Effect.gen(function* () {
      const { here, start } = yield* cluster
      const outage = { isDown: false }
      const cut = yield* start(false, outage)
      const { hold, working, events } = makeWork()
      yield* pass("1 second")
      const fibers = [yield* hold(cut, "cut")]
      yield* pass("1 second")
      fibers.push(yield* hold(here, "other"))
      outage.isDown = true
      for (let n = 0; n < 28; n++) yield* pass("500 millis")
      assert.deepStrictEqual(events, ["cut begins", "cut ends", "other begins"])
      outage.isDown = false
      yield* pass("20 seconds")
      assert.deepStrictEqual([...working], ["other"])
      yield* Fiber.interruptAll(fibers)
    })
  )

  it.effect("stays with a node that returns before another one has taken it", () =>
    Effect.gen(function* () {
      const { here, start } = yield* cluster
      const outage = { isDown: false }
      const cut = yield* start(false, outage)
      const { hold, events } = makeWork()
      yield* pass("1 second")
      const fibers = [yield* hold(cut, "cut")]
      yield* pass("1 second")
      fibers.push(yield* hold(here, "other"))
      outage.isDown = true
      yield* pass("6 seconds")
      outage.isDown = false
      yield* pass("20 seconds")
      assert.deepStrictEqual(events, ["cut begins", "cut ends", "cut begins"])
      yield* Fiber.interruptAll(fibers)
    })
  )
})

it.effect("two nodes that want a free lease at the same time: one has it", () =>
  Effect.gen(function* () {
    const { here, there } = yield* makeCluster()
    yield* pass("1 second")
    for (let round = 0; round < 20; round++) {
      const { hold, working, events } = makeWork()
      const fibers = yield* Effect.forEach(
        [
          [here, "one"],
          [there, "other"],
          [here, "one again"]
        ] as const,
        ([node, name]) => hold(node, name),
        { concurrency: "unbounded" }
      )
      yield* pass("1 second")
      assert.strictEqual(working.size, 1)
      yield* Fiber.interruptAll(fibers)
      assert.strictEqual(events.filter((event) => event.includes("beside")).length, 0)
    }
  })
)

it.effect("work of a single engine begins at once, and returns its result", () =>
  Effect.gen(function* () {
    const { hold } = yield* Leases
    assert.strictEqual(yield* hold("work", Effect.succeed(1)), 1)
    assert.strictEqual(yield* Effect.flip(hold("work", Effect.fail("no"))), "no")
  }).pipe(Effect.provide(engineLayer))
)
