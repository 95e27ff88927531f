/**
 * Signatures for the hosted IM service: HMAC-SHA1 with the app's master key over the parts joined by `:`, in lower-case hex.
 * Source: seeds/001, 获取…签名; PROTOCOLS, "hisihi".
 */
import { choice } from "@parley/core/Settings"
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

/** Formats of a timestamp, by their names in the setting. */
export const timestampFormats = ["documented", "seconds", "milliseconds"] as const
export type TimestampFormat = (typeof timestampFormats)[number]

export const timestampSetting = choice(
  "hisihi.timestamp",
  timestampFormats,
  "documented",
  "Timestamp of signatures: the documented text of seconds with six decimals, or an integer of seconds or milliseconds, which the hosted service's SDKs require."
)

export interface Signed {
  readonly timestamp: string | number
  readonly nonce: string
  readonly signature: string
}

export interface Signing {
  readonly mac: Mac.Mac["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly timestamp: TimestampFormat
}

/** Formats a time in nanoseconds since 1970. */
const timestampOf = (nanos: bigint, format: TimestampFormat): string | number => {
  if (format === "milliseconds") return Number(nanos / 1_000_000n)
  if (format === "seconds") return Number(nanos / 1_000_000_000n)
  const micros = nanos / 1000n
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, "0")}`
}

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
  { mac, random, timestamp: format }: Signing,
  masterKey: string,
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string> = []
): Effect.fn.Return<Signed> {
  const timestamp = timestampOf(yield* Clock.currentTimeNanos, format)
  const signed = { timestamp, nonce: yield* nonce(random) }
  const message = [...before, signed.timestamp, signed.nonce, ...after].join(":")
  const key = yield* Effect.orDie(Mac.key(Mac.hmacSha1, textBytes(masterKey)))
  return { ...signed, signature: Hex.encode(yield* Effect.orDie(mac.sign(key, textBytes(message)))) }
})

/** Joins member ids in the signed order: ascending as strings. */
export const sorted = (ids: ReadonlyArray<string>): string => ids.toSorted().join(":")
