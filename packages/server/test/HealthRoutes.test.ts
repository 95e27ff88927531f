/** Responses of `/healthz` and `/readyz`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpEffect } from "effect/http"
import { build } from "../../adapter-node/src/internal/http/routes.ts"
import { Bus } from "@parley/core/Bus"
import type { StorageStatus } from "@parley/core/StorageHealth"
import { healthRoutes } from "../src/healthRoutes.ts"

const busOf = (maxBytes: number, isConnected = () => true) =>
  Bus.of({ maxBytes, publish: () => {}, subscribe: () => () => {}, isConnected })

describe("the health routes", () => {
  const getterOf = (routes: ReturnType<typeof healthRoutes>) =>
    Effect.map(build([{ routes }]), ({ app }) => {
      const answer = HttpEffect.toWebHandler(Effect.orDie(app))
      return (path: string) =>
        Effect.promise(async () => {
          const response = await answer(new Request(`http://parley${path}`))
          return [response.status, await response.json()]
        })
    })

  it.effect("report readiness by the start and the storage, and liveness by neither", () =>
    Effect.gen(function* () {
      let storage: StorageStatus = "working"
      let isReady = false
      const refresh = Effect.sync(() => storage)
      const get = yield* getterOf(healthRoutes(() => isReady, { refresh }, busOf(0)))
      assert.deepStrictEqual(yield* get("/readyz"), [503, { status: "starting" }])
      isReady = true
      assert.deepStrictEqual(yield* get("/readyz"), [200, { status: "ready" }])
      storage = "failing"
      assert.deepStrictEqual(yield* get("/readyz"), [503, { status: "storage failing" }])
      assert.deepStrictEqual(yield* get("/healthz"), [200, { status: "alive" }])
      storage = "working"
      assert.deepStrictEqual(yield* get("/readyz"), [200, { status: "ready" }])
    }).pipe(Effect.scoped)
  )

  it.effect("report the bus of one of several nodes, without which it is ready too", () =>
    Effect.gen(function* () {
      let isConnected = false
      const working = { refresh: Effect.succeed("working" as const) }
      const get = yield* getterOf(
        healthRoutes(
          () => true,
          working,
          busOf(1, () => isConnected)
        )
      )
      assert.deepStrictEqual(yield* get("/readyz"), [200, { status: "ready", bus: "disconnected" }])
      isConnected = true
      assert.deepStrictEqual(yield* get("/readyz"), [200, { status: "ready", bus: "connected" }])
    }).pipe(Effect.scoped)
  )
})
