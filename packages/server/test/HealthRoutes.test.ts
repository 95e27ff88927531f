/** Responses of `/healthz` and `/readyz`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpEffect } from "effect/http"
import { build } from "../../adapter-node/src/internal/http/routes.ts"
import type { StorageStatus } from "@parley/core/StorageHealth"
import { healthRoutes } from "../src/healthRoutes.ts"

describe("the health routes", () => {
  it.effect("report readiness by the start and the storage, and liveness by neither", () =>
    Effect.gen(function* () {
      let storage: StorageStatus = "working"
      let isReady = false
      const { app } = yield* build([{ routes: healthRoutes(() => isReady, { refresh: Effect.sync(() => storage) }) }])
      const answer = HttpEffect.toWebHandler(Effect.orDie(app))
      const get = (path: string) =>
        Effect.promise(async () => {
          const response = await answer(new Request(`http://parley${path}`))
          return [response.status, await response.json()]
        })
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
})
