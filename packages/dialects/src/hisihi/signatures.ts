/**
 * Signatures of the hosted IM service that apps of this protocol use: HMAC-SHA1 over the parts joined by `:`, the key
 * being the app's master key, as lower-case hex. Source: seeds/001, 获取…签名; PROTOCOLS, "hisihi".
 */
import { textBytes } from "@parley/core/Utf8"
import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"

const NONCE = 8
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/** The largest multiple of the alphabet's size that fits in a byte: bytes from it on would favour some characters. */
const FAIR = 256 - (256 % ALPHABET.length)

export interface Signed {
  readonly timestamp: string
  readonly nonce: string
  readonly signature: string
}

export interface Signing {
  readonly mac: Mac.Mac["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
}

/** Seconds since 1970 with six decimals. */
const timestamp: Effect.Effect<string> = Effect.map(Clock.currentTimeNanos, (nanos) => {
  const micros = nanos / 1000n
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, "0")}`
})

const nonce = Effect.fnUntraced(function* (random: Signing["random"]): Effect.fn.Return<string> {
  let text = ""
  while (text.length < NONCE) {
    for (const byte of yield* random.randomBytes(2 * NONCE)) {
      if (byte < FAIR && text.length < NONCE) text += ALPHABET[byte % ALPHABET.length]
    }
  }
  return text
})

/** Signs the parts, time and nonce between what comes before and what comes after. */
export const sign = Effect.fnUntraced(function* (
  { mac, random }: Signing,
  masterKey: string,
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string> = []
): Effect.fn.Return<Signed> {
  const signed = { timestamp: yield* timestamp, nonce: yield* nonce(random) }
  const message = [...before, signed.timestamp, signed.nonce, ...after].join(":")
  const key = yield* Effect.orDie(Mac.key(Mac.hmacSha1, textBytes(masterKey)))
  return { ...signed, signature: Hex.encode(yield* Effect.orDie(mac.sign(key, textBytes(message)))) }
})

/** Member ids in the order in which they are signed: ascending as strings. */
export const sorted = (ids: ReadonlyArray<string>): string => ids.toSorted().join(":")
