/**
 * Signatures for the hosted IM service: HMAC-SHA1 with the app's master key over the parts joined by `:`, in lower-case hex.
 * Source: seeds/001, 获取…签名; PROTOCOLS, "hisihi".
 */
import { textBytes } from "@parley/core/Utf8"
import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"

/** Characters in a nonce. */
const NONCE_LENGTH = 8
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/** Exclusive upper bound of usable bytes, a multiple of the alphabet's size; larger bytes would bias the characters. */
const BYTE_LIMIT = 256 - (256 % ALPHABET.length)

export interface Signed {
  readonly timestamp: string
  readonly nonce: string
  readonly signature: string
}

export interface Signing {
  readonly mac: Mac.Mac["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
}

/** Returns seconds since 1970 with six decimals. */
const timestamp: Effect.Effect<string> = Effect.map(Clock.currentTimeNanos, (nanos) => {
  const micros = nanos / 1000n
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, "0")}`
})

const nonce = Effect.fnUntraced(function* (random: Signing["random"]): Effect.fn.Return<string> {
  let text = ""
  while (text.length < NONCE_LENGTH) {
    for (const byte of yield* random.randomBytes(2 * NONCE_LENGTH)) {
      if (byte < BYTE_LIMIT && text.length < NONCE_LENGTH) text += ALPHABET[byte % ALPHABET.length]
    }
  }
  return text
})

/** Signs `before`, the time, a nonce, and `after`, in this order. */
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

/** Joins member ids in the signed order: ascending as strings. */
export const sorted = (ids: ReadonlyArray<string>): string => ids.toSorted().join(":")
