/**
 * MD5 (RFC 1321): the protocol sends passwords as MD5, and WebCrypto does not have it. It protects nothing here: only TLS
 * keeps a password secret on the network.
 */

/** Bits of rotation of each of a round's four kinds of steps. */
const ROTATIONS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const

const SINES: ReadonlyArray<number> = Array.from({ length: 64 }, (_, step) =>
  Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32)
)

/** Returns the text's UTF-8, padded by a one bit, zeros up to 8 bytes below a multiple of 64, and its length in bits. */
const padded = (text: string): DataView => {
  const bytes = new TextEncoder().encode(text)
  const view = new DataView(new ArrayBuffer((((bytes.length + 8) >> 6) + 1) << 6))
  new Uint8Array(view.buffer).set(bytes)
  view.setUint8(bytes.length, 0x80)
  view.setUint32(view.byteLength - 8, bytes.length << 3, true)
  view.setUint32(view.byteLength - 4, bytes.length >>> 29, true)
  return view
}

/** Returns the digest of the text's UTF-8 as 32 lower-case hex digits. */
export const md5 = (text: string): string => {
  const view = padded(text)
  let [a0, b0, c0, d0] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let block = 0; block < view.byteLength; block += 64) {
    let [a, b, c, d] = [a0, b0, c0, d0]
    for (let step = 0; step < 64; step++) {
      const round = step >> 4
      const [mixed, word] =
        round === 0
          ? [(b & c) | (~b & d), step]
          : round === 1
            ? [(d & b) | (~d & c), 5 * step + 1]
            : round === 2
              ? [b ^ c ^ d, 3 * step + 5]
              : [c ^ (b | ~d), 7 * step]
      const sum = (a + mixed + (SINES[step] ?? 0) + view.getUint32(block + ((word & 15) << 2), true)) | 0
      const rotation = ROTATIONS[(round << 2) | (step & 3)] ?? 0
      ;[a, d, c, b] = [d, c, b, (b + ((sum << rotation) | (sum >>> (32 - rotation)))) | 0]
    }
    a0 = (a0 + a) | 0
    b0 = (b0 + b) | 0
    c0 = (c0 + c) | 0
    d0 = (d0 + d) | 0
  }
  const digest = new DataView(new ArrayBuffer(16))
  for (const [index, word] of [a0, b0, c0, d0].entries()) digest.setInt32(index * 4, word, true)
  return Array.from(new Uint8Array(digest.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("")
}
