/** Sealed files compared with Node's own cipher. Source: PROTOCOLS, "youdu"; the public SDKs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { Cipher, SecureRandom } from "effect/crypto"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { keyBytes, makeEnvelopeCipher } from "../../src/youdu/envelopeCipher.ts"
import { DEMO, encrypted, openBytes, pad, frameOf, sealBytes } from "./Envelope.ts"

const layer = Cipher.layerWebCrypto.pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))

const files = Effect.gen(function* () {
  const { files } = yield* makeEnvelopeCipher(
    yield* Cipher.Cipher,
    yield* SecureRandom.SecureRandom,
    keyBytes(DEMO.key)!,
    DEMO.appId
  )
  return files
})

/** A generator of numbers below `limit`, from a seed. */
const numbers = (seed: number) => {
  let state = seed
  return (limit: number): number => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) % limit
  }
}

/** Cuts bytes into chunks of random sizes, empty ones included. */
const chunked = (bytes: Uint8Array, next: (limit: number) => number, most: number): Stream.Stream<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(bytes.length - at, next(most))
    chunks.push(bytes.slice(at, at + size))
    at += size
  }
  return Stream.fromIterable(chunks)
}

const collected = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<Buffer, E> =>
  Effect.map(Stream.runCollect(stream), (chunks) => Buffer.concat(Array.from(chunks)))

const bytesOf = (size: number, next: (limit: number) => number) =>
  Buffer.from(Array.from({ length: size }, () => next(256)))

/** Around every boundary of blocks, padding and pieces. */
const SIZES = [...Array.from({ length: 70 }, (_, size) => size), 49_100, 49_152, 98_304, 250_001]

describe("a sealed file", () => {
  it.effect("is opened as clients seal it and sealed as they open it, however it is cut", () =>
    Effect.gen(function* () {
      const { seal, open, sealedSize } = yield* files
      for (let seed = 1; seed <= repetitions(20, 2); seed++) {
        const next = numbers(seed)
        for (const size of SIZES) {
          const content = bytesOf(size, next)
          const most = size > 1000 ? 70_000 : 40
          const text = Buffer.from(sealBytes(content))
          assert.isTrue((yield* collected(open(chunked(text, next, most)))).equals(content), `open ${size}`)
          const sealed = yield* collected(seal(chunked(content, next, most), size))
          assert.strictEqual(sealed.length, sealedSize(size))
          assert.isTrue(openBytes(sealed.toString("latin1")).equals(content), `seal ${size}`)
        }
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("may have line ends", () =>
    Effect.gen(function* () {
      const { open } = yield* files
      const text = sealBytes(Buffer.from("x".repeat(500))).replaceAll(/.{76}/g, "$&\r\n")
      assert.strictEqual((yield* collected(open(Stream.make(Buffer.from(text))))).toString(), "x".repeat(500))
    }).pipe(Effect.provide(layer))
  )

  it.effect("of another form always fails with the same error", () =>
    Effect.gen(function* () {
      const { open } = yield* files
      const content = Buffer.from("hello ".repeat(100))
      const good = sealBytes(content)
      const frame = frameOf(content, DEMO.appId)
      const longer = Buffer.from(frame)
      longer.writeUInt32BE(0xffffffff, 16)
      const shorter = Buffer.from(frame)
      shorter.writeUInt32BE(content.length - 1, 16)
      const badPadding = pad(frame)
      badPadding[badPadding.length - 1]! ^= 1
      const table: Readonly<Record<string, string>> = {
        nothing: "",
        "no base64": "!!!!",
        "half a group": good.slice(0, -1),
        "half of it": good.slice(0, good.length / 2),
        "more after its end": `${good}AAAA`,
        twice: `${good}${good}`,
        "padding inside": `AA==${good}`,
        "another key's": sealBytes(content, Buffer.alloc(32, 7).toString("base64")),
        "another app's": encrypted(pad(frameOf(content, "yd-other"))),
        "no app's": encrypted(pad(frameOf(content, ""))),
        "too long a length": encrypted(pad(longer)),
        "too short a length": encrypted(pad(shorter)),
        "a wrong padding": encrypted(badPadding),
        "no padding": encrypted(Buffer.concat([frame, Buffer.alloc((16 - (frame.length % 16)) % 16, 0)]))
      }
      for (const [what, text] of Object.entries(table)) {
        const error = yield* Effect.flip(collected(open(Stream.make(Buffer.from(text)))))
        assert.strictEqual(error._tag, "InvalidEnvelope", what)
      }
      const next = numbers(7)
      for (let n = 0; n < repetitions(2000, 100); n++) {
        const garbage = Buffer.from(bytesOf(next(300), next).toString(next(2) === 0 ? "base64" : "latin1"), "latin1")
        const error = yield* Effect.flip(collected(open(chunked(garbage, next, 50))))
        assert.strictEqual(error._tag, "InvalidEnvelope")
      }
    }).pipe(Effect.provide(layer))
  )
})
