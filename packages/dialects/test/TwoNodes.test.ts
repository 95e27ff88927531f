/** Records that protocols keep in memory, on two engines with one store. */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { Digest } from "effect/crypto/Digest"
import { SecureRandom } from "effect/crypto/SecureRandom"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { makeCluster, type Node, on } from "../../core/test/twoNodes.ts"
import { makeApiKeys } from "../src/ha/apiKeys.ts"
import { makeAppTokens } from "../src/youdu/appTokens.ts"

describe.each([
  { bus: "a bus that delivers", delivers: true, time: "50 millis" },
  { bus: "a bus that loses everything", delivers: false, time: "2 seconds" }
] as const)("two nodes and $bus", ({ delivers, time }) => {
  const settled = Effect.andThen(
    TestClock.adjust(time),
    Effect.promise(async () => {
      for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
    })
  )

  it.effect("an app's key that is added or removed on one node counts on both", () =>
    Effect.gen(function* () {
      const { here, there } = yield* makeCluster((packet) => (delivers ? [packet] : []))
      const keysOn = (node: Node) =>
        on(node)(
          Effect.gen(function* () {
            return makeApiKeys(yield* Store, yield* Engine)
          })
        )
      const [one, other] = [yield* keysOn(here), yield* keysOn(there)]
      assert.isFalse(yield* other.isKnown("k"))
      yield* one.ensure("k")
      yield* settled
      assert.isTrue(yield* other.isKnown("k"))
      yield* one.remove("k")
      yield* settled
      assert.isFalse(yield* other.isKnown("k"))
    })
  )

  it.effect("an app's oldest token that one node removes is not valid on the other", () =>
    Effect.gen(function* () {
      const { here, there } = yield* makeCluster((packet) => (delivers ? [packet] : []))
      const tokensOn = (node: Node) =>
        on(node)(
          Effect.gen(function* () {
            const [store, engine, random, digest] = [yield* Store, yield* Engine, yield* SecureRandom, yield* Digest]
            return makeAppTokens({ store, engine, random, digest, lifetime: 7200 })
          })
        )
      const [one, other] = [yield* tokensOn(here), yield* tokensOn(there)]
      const issue = (n: number) => one.issue("app", { fingerprint: `p${n}`, expiresAt: 1_000_000 })
      const first = yield* issue(0)
      assert(first)
      assert.strictEqual(yield* other.appOf(first), "app")
      for (let n = 1; n <= 100; n++) {
        yield* TestClock.adjust("1 millis")
        yield* issue(n)
      }
      yield* settled
      assert.isUndefined(yield* other.appOf(first))
    })
  )
})
