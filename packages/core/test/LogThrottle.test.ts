/** Log lines that are gathered: the first at once, then a count once a minute. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, References, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type ThrottledLine, LogThrottle, logThrottled, make, MAX_KEYS } from "@parley/core/LogThrottle"

const logged = () => {
  const lines: Array<Record<string, unknown>> = []
  const logger = Logger.make(({ message, fiber, logLevel }) => {
    lines.push({ message: [message].flat()[0], logLevel, ...fiber.getRef(References.CurrentLogAnnotations) })
  })
  return { lines, layer: Logger.layer([logger]) }
}

const failedLogin = (account: string): ThrottledLine => ({
  key: `login failed ${account}`,
  level: "Info",
  message: "login failed",
  details: { account }
})

describe("the log throttle", () => {
  it.effect("logs the first line of a key at once, and the further ones of a minute as one with their number", () => {
    const { lines, layer } = logged()
    return Effect.gen(function* () {
      const { note } = yield* make
      for (let i = 0; i < 2941; i++) note(failedLogin("ann"))
      note(failedLogin("ben"))
      assert.deepStrictEqual(lines, [
        { message: "login failed", logLevel: "Info", account: "ann" },
        { message: "login failed", logLevel: "Info", account: "ben" }
      ])
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(lines.length, 2)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(lines.slice(2), [
        { message: "login failed", logLevel: "Info", account: "ann", count: 2940 }
      ])
      note(failedLogin("ann"))
      assert.strictEqual(lines.length, 3, "its next minute has begun")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lines[3], { message: "login failed", logLevel: "Info", account: "ann" })
      yield* TestClock.adjust("2 minutes")
      note(failedLogin("ann"))
      assert.strictEqual(lines.length, 5, "after a minute without one, a line is the first again")
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("counts by message if there are too many keys", () => {
    const { lines, layer } = logged()
    return Effect.gen(function* () {
      const { note } = yield* make
      for (let i = 0; i < 10 * MAX_KEYS; i++) note(failedLogin(`user${i}`))
      assert.strictEqual(lines.length, MAX_KEYS + 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(lines.length, MAX_KEYS + 2)
      assert.strictEqual(lines.at(-1)?.["count"], 9 * MAX_KEYS - 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("logs pending counts when it ends", () => {
    const { lines, layer } = logged()
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { note } = yield* Scope.provide(make, scope)
      for (let i = 0; i < 3; i++) note(failedLogin("ann"))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(
        lines.map(({ count }) => count),
        [undefined, 2]
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("is taken from the context; without one every line is logged", () => {
    const { lines, layer } = logged()
    return Effect.gen(function* () {
      const throttle = yield* make
      yield* Effect.all([1, 2, 3].map(() => logThrottled(failedLogin("ann")))).pipe(
        Effect.provideService(LogThrottle, throttle)
      )
      assert.strictEqual(lines.length, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})
