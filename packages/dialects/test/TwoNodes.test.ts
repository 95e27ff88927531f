/** Records that protocols keep in memory, on two engines with one store. */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Digest } from "effect/crypto/Digest"
import * as Cipher from "effect/crypto/Cipher"
import { SecureRandom } from "effect/crypto/SecureRandom"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeCluster, type Node, on } from "../../core/test/twoNodes.ts"
import { makeApiKeys } from "../src/ha/apiKeys.ts"
import { makeApps } from "../src/youdu/apps.ts"
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

  it.effect("a callback that is set on one node is known on both, and each has the messages of both", () =>
    Effect.gen(function* () {
      const { here, there } = yield* makeCluster((packet) => (delivers ? [packet] : []))
      const appsOn = (node: Node) =>
        on(node)(
          Effect.gen(function* () {
            const cipher = yield* Cipher.Cipher.pipe(Effect.provide(Cipher.layerWebCrypto))
            return makeApps({ store: yield* Store, engine: yield* Engine, cipher, random: yield* SecureRandom })
          })
        )
      const [one, other] = [yield* appsOn(here), yield* appsOn(there)]
      let changes = 0
      const unlisten = other.onChange(() => void changes++)
      const app = { buin: 7, appId: "mine", key: Buffer.alloc(32).toString("base64"), organisation: 1 }
      yield* one.add({ ...app, callback: { url: "http://receiver.example", token: "t" } })
      yield* settled
      assert.isAbove(changes, 0)
      assert.strictEqual((yield* other.find("7/mine"))?.callback?.token, "t")
      unlisten()
      const before = changes
      yield* one.remove("7/mine")
      yield* settled
      assert.strictEqual(changes, before)

      const [ann, bot] = yield* on(here)(
        Effect.flatMap(Users, (users) => users.add([{ account: "ann" }, { account: "bot" }]))
      )
      assert(ann && bot)
      const outbox = yield* on(there)(Effect.flatMap(OfflineQueue, (queue) => queue.consume(bot.id, "callback")))
      const waiting = yield* Effect.forkChild(outbox.next)
      yield* on(here)(
        Effect.gen(function* () {
          const { perform } = yield* Engine
          const caller = { user: ann.id, device: null }
          const direct = { _tag: "CreateChat", gid: "", name: "", type: "one2one", subject: 0, public: false } as const
          const { chat } = yield* perform(caller, { ...direct, members: [ann.id, bot.id] })
          const message = {
            gid: "m",
            chat: { id: chat.id },
            type: "normal",
            contentType: "text",
            content: "hi"
          } as const
          yield* perform(caller, { _tag: "SendMessages", messages: [message] })
        })
      )
      yield* settled
      assert.strictEqual((yield* Fiber.join(waiting)).event.message?.content, "hi")
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
