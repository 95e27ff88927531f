/** Requests that take long are in the log, without what their query holds. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, References } from "effect"
import { HttpServerRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { LogThrottle, make } from "@parley/core/LogThrottle"
import { noteSlowHttp } from "../src/internal/http/slowRequests.ts"

it.effect(
  "a request of two seconds is logged with its path and time, quick ones are not, and many are gathered",
  () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ fiber, message }) => {
      lines.push({ message: [message].flat()[0], ...fiber.getRef(References.CurrentLogAnnotations) })
    })
    return Effect.gen(function* () {
      const throttle = yield* make
      const asked = Effect.fnUntraced(function* (path: string, milliseconds: number) {
        const request = HttpServerRequest.fromWeb(new Request(`http://parley${path}`))
        const fiber = yield* noteSlowHttp(Effect.sleep(milliseconds)).pipe(
          Effect.provideService(HttpServerRequest.HttpServerRequest, request),
          Effect.provideService(LogThrottle, throttle),
          Effect.forkChild
        )
        yield* TestClock.adjust(milliseconds)
        yield* Fiber.join(fiber)
      })
      yield* asked("/session/list?token=secret", 1999)
      yield* asked("/session/list?token=secret", 2000)
      yield* asked("/session/members?token=secret", 3000)
      assert.deepStrictEqual(lines, [
        { message: "slow request", method: "GET", path: "/session/list", milliseconds: 2000 },
        { message: "slow request", method: "GET", path: "/session/members", milliseconds: 3000 }
      ])
      for (let i = 0; i < 5; i++) yield* asked(`/session/list/${i}?token=secret`, 2000)
      assert.strictEqual(lines.length, 2)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
  }
)
