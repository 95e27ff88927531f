/**
 * The envelope's cipher: AES-256-CBC with the key's first 16 bytes as IV, over 16 random bytes, the text's length as four
 * big-endian bytes, the text and the app's id, with PKCS#7 padding to 32 bytes; in base64.
 * Source: PROTOCOLS, "youdu".
 *
 * The protocol's clients require the fixed IV and the missing MAC. All failures to open are the same error, so that
 * responses do not serve as a padding oracle.
 */
import { textBytes } from "@parley/core/Utf8"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Cipher from "effect/crypto/Cipher"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { documentText } from "../_http/utf8.ts"

/** The text is not sealed with the app's key, or not for the app. */
export class InvalidEnvelope extends Data.TaggedError("InvalidEnvelope")<{}> {}

export interface EnvelopeCipher {
  readonly seal: (text: string) => Effect.Effect<string>
  readonly open: (sealed: string) => Effect.Effect<string, InvalidEnvelope>
}

/** Sizes in bytes. */
const KEY_SIZE = 32
const AES_BLOCK_SIZE = 16
const RANDOM_SIZE = 16
const LENGTH_SIZE = 4
const PADDED_BLOCK_SIZE = 32
const EMPTY = new Uint8Array(0)

/** Decodes the 32 bytes of a key in base64, whose last `=` may be missing. */
export const keyBytes = (key: string): Uint8Array | undefined => {
  const bytes = Result.getOrUndefined(Base64.decode(key.length % 4 === 3 ? `${key}=` : key))
  return bytes?.length === KEY_SIZE ? bytes : undefined
}

/** Creates the cipher of one app; `bytes` is the result of `keyBytes`. */
export const makeEnvelopeCipher = Effect.fnUntraced(function* (
  cipher: Cipher.Cipher["Service"],
  random: SecureRandom.SecureRandom["Service"],
  bytes: Uint8Array,
  appId: string
): Effect.fn.Return<EnvelopeCipher> {
  const key = yield* Effect.orDie(Cipher.key(Cipher.aes256Cbc, bytes))
  const iv = bytes.slice(0, AES_BLOCK_SIZE)
  const appIdBytes = textBytes(appId)

  /** Removes the cipher's own padding: a complete block, since `padded` ends at a block's end. */
  const encrypt = (padded: Uint8Array): Effect.Effect<Uint8Array> =>
    Effect.map(Effect.orDie(cipher.encrypt(key, padded, { iv })), (sealed) => sealed.slice(0, padded.length))

  /** Appends the block of the cipher's own padding, which the cipher requires. */
  const decrypt = Effect.fnUntraced(function* (sealed: Uint8Array) {
    const last = yield* cipher.encrypt(key, EMPTY, { iv: sealed.slice(-AES_BLOCK_SIZE) })
    return yield* cipher.decrypt(key, joined(sealed, last), { iv })
  })

  return {
    seal: Effect.fnUntraced(function* (text) {
      const content = textBytes(text)
      const plain = joined(yield* random.randomBytes(RANDOM_SIZE), lengthBytes(content.length), content, appIdBytes)
      const sealed = yield* encrypt(joined(plain, padding(plain.length)))
      return Base64.encode(sealed)
    }),
    open: Effect.fnUntraced(function* (sealed) {
      const bytes = Result.getOrUndefined(Base64.decode(sealed))
      if (bytes === undefined || bytes.length < 2 * AES_BLOCK_SIZE || bytes.length % AES_BLOCK_SIZE !== 0)
        return yield* new InvalidEnvelope()
      const plain = yield* Effect.mapError(decrypt(bytes), () => new InvalidEnvelope())
      const content = contentOf(plain, appIdBytes)
      return (content === undefined ? undefined : documentText(content)) ?? (yield* new InvalidEnvelope())
    })
  }
})

/** Returns the text in the decrypted bytes if they are for this app. */
const contentOf = (plain: Uint8Array, appIdBytes: Uint8Array): Uint8Array | undefined => {
  const pad = plain.at(-1) ?? 0
  const end = plain.length - pad
  if (
    pad < 1 ||
    pad > PADDED_BLOCK_SIZE ||
    end < RANDOM_SIZE + LENGTH_SIZE ||
    plain.slice(end).some((byte) => byte !== pad)
  )
    return undefined
  const length = plain.slice(RANDOM_SIZE, RANDOM_SIZE + LENGTH_SIZE).reduce((sum, byte) => sum * 256 + byte, 0)
  const from = RANDOM_SIZE + LENGTH_SIZE
  const rest = plain.slice(Math.min(end, from + length), end)
  const isOwn = from + length + appIdBytes.length === end && rest.every((byte, index) => byte === appIdBytes[index])
  return isOwn ? plain.slice(from, from + length) : undefined
}

const padding = (length: number): Uint8Array => {
  const pad = PADDED_BLOCK_SIZE - (length % PADDED_BLOCK_SIZE)
  return new Uint8Array(pad).fill(pad)
}

const lengthBytes = (length: number): Uint8Array =>
  Uint8Array.of((length >>> 24) & 0xff, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
