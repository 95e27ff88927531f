/** Blocks of the envelope's cipher, and the frame around its content. Source: PROTOCOLS, "youdu". */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Cipher from "effect/crypto/Cipher"

/** The content is not sealed with the app's key, or not for the app. */
export class InvalidEnvelope extends Data.TaggedError("InvalidEnvelope")<{}> {}

/** Sizes in bytes. */
export const AES_BLOCK_SIZE = 16
export const RANDOM_SIZE = 16
const LENGTH_SIZE = 4
export const HEAD_SIZE = RANDOM_SIZE + LENGTH_SIZE
export const PADDED_BLOCK_SIZE = 32
const EMPTY = new Uint8Array(0)

/** AES-CBC over whole blocks, without the padding of the underlying cipher. */
export interface BlockCipher {
  readonly encrypt: (blocks: Uint8Array, iv: Uint8Array) => Effect.Effect<Uint8Array>
  readonly decrypt: (blocks: Uint8Array, iv: Uint8Array) => Effect.Effect<Uint8Array, InvalidEnvelope>
}

export const blockCipher = (
  cipher: Cipher.Cipher["Service"],
  key: Parameters<typeof cipher.encrypt>[0]
): BlockCipher => ({
  // Removes the cipher's own padding: a complete block.
  encrypt: (blocks, iv) =>
    Effect.map(Effect.orDie(cipher.encrypt(key, blocks, { iv })), (sealed) => sealed.slice(0, blocks.length)),
  // Appends the block of the cipher's own padding, which the cipher requires.
  decrypt: Effect.fnUntraced(
    function* (blocks: Uint8Array, iv: Uint8Array) {
      const last = yield* cipher.encrypt(key, EMPTY, { iv: blocks.slice(-AES_BLOCK_SIZE) })
      return yield* cipher.decrypt(key, joined(blocks, last), { iv })
    },
    Effect.mapError(() => new InvalidEnvelope())
  )
})

/** Returns PKCS#7 padding to 32 bytes, for that many bytes. */
export const padding = (length: number): Uint8Array => {
  const pad = PADDED_BLOCK_SIZE - (length % PADDED_BLOCK_SIZE)
  return new Uint8Array(pad).fill(pad)
}

/** Returns whether the bytes after the content are the app's id and valid padding. */
export const isTrailer = (bytes: Uint8Array, appIdBytes: Uint8Array): boolean => {
  const pad = bytes.at(-1) ?? 0
  return (
    pad >= 1 &&
    pad <= PADDED_BLOCK_SIZE &&
    bytes.length === appIdBytes.length + pad &&
    bytes.every((byte, index) => byte === (index < appIdBytes.length ? appIdBytes[index] : pad))
  )
}

/** Returns the length of the content after a head of random bytes and length. */
export const lengthIn = (head: Uint8Array): number =>
  head.slice(RANDOM_SIZE, HEAD_SIZE).reduce((sum, byte) => sum * 256 + byte, 0)

/** Returns the length as four big-endian bytes. */
export const lengthBytes = (length: number): Uint8Array =>
  Uint8Array.of((length >>> 24) & 0xff, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)

export const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
