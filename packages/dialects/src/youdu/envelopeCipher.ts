/**
 * The envelope's cipher: AES-256-CBC with the key's first 16 bytes as IV, over 16 random bytes, the text's length as four
 * big-endian bytes, the text and the app's id, with PKCS#7 padding to 32 bytes; in base64.
 * Source: PROTOCOLS, "youdu".
 *
 * The protocol's clients require the fixed IV and the missing MAC. All failures to open are the same error, so that
 * responses do not serve as a padding oracle.
 */
import { textBytes } from "@parley/core/Utf8"
import * as Effect from "effect/Effect"
import * as Cipher from "effect/crypto/Cipher"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { documentText } from "../_http/utf8.ts"
import {
  AES_BLOCK_SIZE,
  blockCipher,
  HEAD_SIZE,
  InvalidEnvelope,
  isTrailer,
  joined,
  lengthBytes,
  lengthIn,
  padding,
  RANDOM_SIZE
} from "./envelopeBlocks.ts"
import { type FileCipher, makeFileCipher } from "./envelopeFiles.ts"

export interface EnvelopeCipher {
  readonly seal: (text: string) => Effect.Effect<string>
  readonly open: (sealed: string) => Effect.Effect<string, InvalidEnvelope>
  /** Files, sealed like texts. */
  readonly files: FileCipher
}

/** Size in bytes. */
const KEY_SIZE = 32

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

  const blocks = blockCipher(cipher, key)

  return {
    seal: Effect.fnUntraced(function* (text) {
      const content = textBytes(text)
      const plain = joined(yield* random.randomBytes(RANDOM_SIZE), lengthBytes(content.length), content, appIdBytes)
      const sealed = yield* blocks.encrypt(joined(plain, padding(plain.length)), iv)
      return Base64.encode(sealed)
    }),
    open: Effect.fnUntraced(function* (sealed) {
      const bytes = Result.getOrUndefined(Base64.decode(sealed))
      if (bytes === undefined || bytes.length < 2 * AES_BLOCK_SIZE || bytes.length % AES_BLOCK_SIZE !== 0)
        return yield* new InvalidEnvelope()
      const plain = yield* blocks.decrypt(bytes, iv)
      const content = contentOf(plain, appIdBytes)
      return (content === undefined ? undefined : documentText(content)) ?? (yield* new InvalidEnvelope())
    }),
    files: makeFileCipher({ blocks, random, iv, appIdBytes })
  }
})

/** Returns the text in the decrypted bytes if they are for this app. */
const contentOf = (plain: Uint8Array, appIdBytes: Uint8Array): Uint8Array | undefined => {
  if (plain.length < HEAD_SIZE) return undefined
  const end = HEAD_SIZE + lengthIn(plain)
  return end <= plain.length && isTrailer(plain.slice(end), appIdBytes) ? plain.slice(HEAD_SIZE, end) : undefined
}
