/** Tokens of apps that are removed while they are looked up. Source: PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { Deferred, Effect, Fiber } from "effect"
import { Digest, SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { makeAppTokens } from "../../src/youdu/appTokens.ts"
import { engineLayer } from "../../../core/test/harness.ts"

/** Tokens of one node. */
const node = Effect.fnUntraced(function* (change: (store: Store["Service"]) => Partial<Store["Service"]> = () => ({})) {
  const store = yield* Store
  return makeAppTokens({
    store: { ...store, ...change(store) },
    engine: yield* Engine,
    random: yield* SecureRandom.SecureRandom,
    digest: yield* Digest.Digest,
    lifetime: 7200
  })
})

describe("tokens of an app", () => {
  it.effect("are invalid if they are removed during the lookup", () =>
    Effect.gen(function* () {
      const first = (yield* (yield* node()).issue("app", { fingerprint: "first", expiresAt: 0 })) ?? ""
      const [reached, released] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let holding = true
      const restarted = yield* node((store) => ({
        record: (dialect, kind, key) => {
          const reading = store.record(dialect, kind, key)
          if (kind !== "token" || !holding) return reading
          holding = false
          const wait = Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(released))
          return Effect.tap(reading, () => wait)
        }
      }))
      const looking = yield* Effect.forkChild(restarted.appOf(first))
      yield* Deferred.await(reached)
      for (let n = 0; n < 100; n++) {
        yield* TestClock.adjust("1 second")
        yield* restarted.issue("app", { fingerprint: `${n}`, expiresAt: 0 })
      }
      yield* Deferred.succeed(released, undefined)
      yield* Fiber.join(looking)
      assert.isUndefined(yield* restarted.appOf(first))
    }).pipe(Effect.provide(engineLayer))
  )
})
