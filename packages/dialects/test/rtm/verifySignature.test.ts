/** Signatures of clients: those that an app's server makes with the master key, and no others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import { createHmac } from "node:crypto"
import { type Signature, type Signed, verifySignature } from "../../src/rtm/verifySignature.ts"

const NOW = 1_800_000_000_000
const app = { app: "app-1", client: "alice", key: "master" }

const crypto = Layer.provide(Mac.layerWebCrypto, SecureRandom.layerWebCrypto)

const signed = (text: string, key = app.key) => createHmac("sha1", key).update(text).digest("hex")

const OPERATIONS: ReadonlyArray<readonly [name: string, operation: Signed, text: (time: number) => string]> = [
  ["a login", { _tag: "Login" }, (time) => `app-1:alice::${time}:n0nce`],
  [
    "a start",
    { _tag: "Start", members: ["carol", "alice", "Bob"] },
    (time) => `app-1:alice:Bob:alice:carol:${time}:n0nce`
  ],
  [
    "an invitation",
    { _tag: "Change", conversation: "c1", members: ["carol", "bob"], action: "invite" },
    (time) => `app-1:alice:c1:bob:carol:${time}:n0nce:invite`
  ],
  [
    "a block",
    { _tag: "Change", conversation: "c1", members: ["bob"], action: "conversation-block-clients" },
    (time) => `app-1:alice:c1:bob:${time}:n0nce:conversation-block-clients`
  ]
]

const verify = (operation: Signed, signature: Signature, of = app) =>
  Effect.flatMap(Mac.Mac, (mac) => verifySignature(mac, of, operation, signature, NOW))

describe.each(OPERATIONS)("the signature of %s", (_name, operation, text) => {
  it.effect("is valid for six hours, in seconds or milliseconds", () =>
    Effect.gen(function* () {
      for (const [age, isValid] of [
        [0, true],
        [-21_600, true],
        [21_600, true],
        [-21_601, false],
        [21_601, false]
      ] as const) {
        for (const unit of [1, 1000]) {
          const t = (NOW / 1000 + age) * unit
          assert.strictEqual(yield* verify(operation, { s: signed(text(t)), t, n: "n0nce" }), isValid, `${age} ${unit}`)
          assert.strictEqual(yield* verify(operation, { s: signed(text(t)), t: BigInt(t), n: "n0nce" }), isValid)
        }
      }
    }).pipe(Effect.provide(crypto))
  )

  it.effect("is refused with any other part", () =>
    Effect.gen(function* () {
      const s = signed(text(NOW))
      const good = { s, t: NOW, n: "n0nce" }
      assert.isTrue(yield* verify(operation, good))
      assert.isTrue(yield* verify(operation, { ...good, s: s.toUpperCase() }))
      const others: ReadonlyArray<Signature> = [
        {},
        { ...good, t: NOW + 1 },
        { ...good, t: "1e3" },
        { ...good, t: `${NOW}.5` },
        { ...good, n: "other" },
        { ...good, n: "" },
        { ...good, s: "" },
        { ...good, s: s.slice(2) },
        { ...good, s: `${s}00` },
        { ...good, s: s.replace(/^./, (first) => (first === "0" ? "1" : "0")) },
        { ...good, s: signed(text(NOW), "other") }
      ]
      for (const other of others) assert.isFalse(yield* verify(operation, other), JSON.stringify(other))
      for (const of of [
        { ...app, app: "app-2" },
        { ...app, client: "bob" },
        { ...app, key: "other" }
      ]) {
        assert.isFalse(yield* verify(operation, good, of))
      }
      for (const [, another] of OPERATIONS) {
        if (another !== operation) assert.isFalse(yield* verify(another, good))
      }
      if (operation._tag === "Change") {
        assert.isFalse(yield* verify({ ...operation, conversation: "c2" }, good))
        assert.isFalse(yield* verify({ ...operation, members: [] }, good))
        assert.isFalse(yield* verify({ ...operation, action: "kick" }, good))
      }
    }).pipe(Effect.provide(crypto))
  )
})
