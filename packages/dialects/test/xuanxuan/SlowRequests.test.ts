/** Slow requests of chat clients are logged by their method, without their content. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Hooks } from "@parley/core/Hooks"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import { engineLayerOn, fixture } from "./Transcript.ts"

it.effect("a request of two seconds is logged with its method and user, a quick one is not", () => {
  const lines: Array<unknown> = []
  const logger = Logger.make(({ fiber, message }) => {
    const text: unknown = [message].flat()[0]
    if (text === "slow request") lines.push(fiber.getRef(References.CurrentLogAnnotations))
  })
  // A host's hook delays the request.
  const hooks = {
    before: ({ _tag }: { readonly _tag: string }) =>
      Effect.as(_tag === "CreateChat" ? Effect.sleep("2500 millis") : Effect.void, undefined)
  }
  return Effect.gen(function* () {
    const { client } = yield* fixture("documented")
    const alice = client("alice")
    yield* alice.login("alice")
    yield* alice.call("getList")
    const pending = yield* Effect.forkChild(alice.call("create", { gid: "secret", type: "group", members: [] }))
    yield* TestClock.adjust("3 seconds")
    yield* Fiber.join(pending)
    assert.deepStrictEqual(lines, [{ method: "chat/create", user: 1, milliseconds: 2500 }])
  }).pipe(
    Effect.scoped,
    Effect.provide(engineLayerOn(MemoryStore.layer)),
    Effect.provideService(Hooks, hooks),
    Effect.provide(Layer.mergeAll(Logger.layer([logger])))
  )
})
