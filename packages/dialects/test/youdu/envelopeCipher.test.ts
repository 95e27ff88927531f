/** The envelope compared with Node's own cipher. Source: PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Cipher, SecureRandom } from "effect/crypto"
import { keyBytes, makeEnvelopeCipher } from "../../src/youdu/envelopeCipher.ts"
import { decrypted, DEMO, encrypted, frame, open, pad, seal } from "./Envelope.ts"

const layer = Cipher.layerWebCrypto.pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))

const sealing = Effect.gen(function* () {
  const cipher = yield* Cipher.Cipher
  const random = yield* SecureRandom.SecureRandom
  return yield* makeEnvelopeCipher(cipher, random, keyBytes(DEMO.key)!, DEMO.appId)
})

/** Texts around every boundary of the 16-byte blocks and the padding to 32. */
const TEXTS = [...Array.from({ length: 70 }, (_, length) => "x".repeat(length)), "有度 🙂", "é".repeat(5000)]

describe("the envelope", () => {
  it.effect("opens what clients seal", () =>
    Effect.gen(function* () {
      const { open: opens } = yield* sealing
      for (const text of TEXTS) assert.strictEqual(yield* opens(seal(text)), text)
    }).pipe(Effect.provide(layer))
  )

  it.effect("can be opened by clients, is padded to 32 bytes, and never repeats", () =>
    Effect.gen(function* () {
      const { seal: seals } = yield* sealing
      for (const text of TEXTS) {
        const sealed = yield* seals(text)
        assert.deepStrictEqual(open(sealed), { text, appId: DEMO.appId })
        assert.strictEqual(decrypted(sealed).length % 32, 0)
        assert.notStrictEqual(yield* seals(text), sealed)
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("does not open anything else, always with the same error", () =>
    Effect.gen(function* () {
      const { open: opens } = yield* sealing
      const other = Buffer.alloc(32, 7).toString("base64")
      const complete = Buffer.from(seal("hello"), "base64")
      const flipped = Buffer.from(complete)
      flipped[complete.length - 20]! ^= 1
      const wrongLength = frame("hello", DEMO.appId)
      wrongLength.writeUInt32BE(4, 16)
      const hugeLength = frame("hello", DEMO.appId)
      hugeLength.writeUInt32BE(0xffffffff, 16)
      const badPadding = pad(frame("hello", DEMO.appId))
      badPadding[badPadding.length - 2]! ^= 1
      const zeroPadding = Buffer.concat([frame("x".repeat(21), DEMO.appId)])
      const table: Readonly<Record<string, string>> = {
        nothing: "",
        "no base64": "!!!!",
        "half base64": complete.toString("base64").slice(0, -1),
        "half a block": complete.subarray(0, 40).toString("base64"),
        "one block": complete.subarray(0, 16).toString("base64"),
        "another key's": seal("hello", other),
        "another app's": seal("hello", DEMO.key, "yd-other"),
        "a longer app's": seal("hello", DEMO.key, `${DEMO.appId}2`),
        "no app's": seal("hello", DEMO.key, ""),
        "changed on the way": flipped.toString("base64"),
        "too short a length": encrypted(pad(wrongLength)),
        "too long a length": encrypted(pad(hugeLength)),
        "a wrong byte of padding": encrypted(badPadding),
        "no padding": encrypted(zeroPadding),
        "padding alone": encrypted(Buffer.alloc(32, 32)),
        "padding of 33": encrypted(Buffer.alloc(64, 33))
      }
      for (const [what, sealed] of Object.entries(table)) {
        const error = yield* Effect.flip(opens(sealed))
        assert.strictEqual(error._tag, "InvalidEnvelope", what)
      }
    }).pipe(Effect.provide(layer))
  )
})

describe("a key", () => {
  it("is 32 bytes in base64, with or without its last =", () => {
    assert.deepStrictEqual(keyBytes(DEMO.key), new Uint8Array(Buffer.from("0123456789abcdef0123456789abcdef")))
    assert.deepStrictEqual(keyBytes(DEMO.key.slice(0, -1)), keyBytes(DEMO.key))
    for (const key of [
      "",
      "short",
      "!".repeat(43),
      Buffer.alloc(31).toString("base64"),
      Buffer.alloc(33).toString("base64")
    ]) {
      assert.isUndefined(keyBytes(key))
    }
  })
})
