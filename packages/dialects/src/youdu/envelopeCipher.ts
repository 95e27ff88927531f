/**
 * The envelope's cipher: AES-256-CBC, the IV being the key's first 16 bytes, over 16 random bytes, the text's length as
 * four bytes, big-endian, the text and the app's id, padded as PKCS#7 has it but to 32 bytes; in base64.
 * Source: PROTOCOLS, "youdu".
 *
 * The fixed IV and the missing MAC are this protocol's, as its clients have them. What cannot be opened is never told
 * apart, so that answers do not help to guess what was sealed.
 */
import { textBytes } from "@parley/core/Utf8"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Cipher from "effect/crypto/Cipher"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { documentText } from "../_http/utf8.ts"

/** What was sent is not sealed with the app's key, or not for the app. */
export class InvalidEnvelope extends Data.TaggedError("Unsealable")<{}> {}

export interface EnvelopeCipher {
  readonly seal: (text: string) => Effect.Effect<string>
  readonly open: (sealed: string) => Effect.Effect<string, InvalidEnvelope>
}

const KEY = 32
/** A block of AES. */
const BLOCK = 16
const RANDOM = 16
const LENGTH = 4
/** What the text is padded to. */
const PAD = 32
const NOTHING = new Uint8Array(0)

/** The 32 bytes of a key in base64, whose last `=` may be missing. */
export const keyBytes = (key: string): Uint8Array | undefined => {
  const bytes = Result.getOrUndefined(Base64.decode(key.length % 4 === 3 ? `${key}=` : key))
  return bytes?.length === KEY ? bytes : undefined
}

/** For one app; `bytes` is what `keyBytes` answers. */
export const makeEnvelopeCipher = Effect.fnUntraced(function* (
  cipher: Cipher.Cipher["Service"],
  random: SecureRandom.SecureRandom["Service"],
  bytes: Uint8Array,
  appId: string
): Effect.fn.Return<EnvelopeCipher> {
  const key = yield* Effect.orDie(Cipher.key(Cipher.aes256Cbc, bytes))
  const iv = bytes.slice(0, BLOCK)
  const owner = textBytes(appId)

  /** The cipher pads to its own block, also what is whole already: of the 32 bytes' padding that is one block too many. */
  const encrypt = (padded: Uint8Array): Effect.Effect<Uint8Array> =>
    Effect.map(Effect.orDie(cipher.encrypt(key, padded, { iv })), (sealed) => sealed.slice(0, padded.length))

  /** And it wants its own padding back: the block that holds nothing else is made to follow on what came. */
  const decrypt = Effect.fnUntraced(function* (sealed: Uint8Array) {
    const last = yield* cipher.encrypt(key, NOTHING, { iv: sealed.slice(-BLOCK) })
    return yield* cipher.decrypt(key, joined(sealed, last), { iv })
  })

  return {
    seal: Effect.fnUntraced(function* (text) {
      const content = textBytes(text)
      const plain = joined(yield* random.randomBytes(RANDOM), lengthBytes(content.length), content, owner)
      const sealed = yield* encrypt(joined(plain, padding(plain.length)))
      return Base64.encode(sealed)
    }),
    open: Effect.fnUntraced(function* (sealed) {
      const bytes = Result.getOrUndefined(Base64.decode(sealed))
      if (bytes === undefined || bytes.length < 2 * BLOCK || bytes.length % BLOCK !== 0)
        return yield* new InvalidEnvelope()
      const plain = yield* Effect.mapError(decrypt(bytes), () => new InvalidEnvelope())
      const content = contentOf(plain, owner)
      return (content === undefined ? undefined : documentText(content)) ?? (yield* new InvalidEnvelope())
    })
  }
})

/** The text within what was deciphered, if it is for this app. */
const contentOf = (plain: Uint8Array, owner: Uint8Array): Uint8Array | undefined => {
  const pad = plain.at(-1) ?? 0
  const end = plain.length - pad
  if (pad < 1 || pad > PAD || end < RANDOM + LENGTH || plain.slice(end).some((byte) => byte !== pad)) return undefined
  const length = plain.slice(RANDOM, RANDOM + LENGTH).reduce((sum, byte) => sum * 256 + byte, 0)
  const from = RANDOM + LENGTH
  const rest = plain.slice(Math.min(end, from + length), end)
  const isOwn = from + length + owner.length === end && rest.every((byte, index) => byte === owner[index])
  return isOwn ? plain.slice(from, from + length) : undefined
}

const padding = (length: number): Uint8Array => {
  const pad = PAD - (length % PAD)
  return new Uint8Array(pad).fill(pad)
}

const lengthBytes = (length: number): Uint8Array =>
  Uint8Array.of((length >>> 24) & 0xff, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
