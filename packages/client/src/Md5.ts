/**
 * MD5 (RFC 1321), which the protocol wants a password as, and which WebCrypto does not have. It protects nothing here:
 * what keeps a password secret on the way is TLS.
 */

/** Bits by which each of a round's four kinds of steps rotates. */
const TURNS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const

const SINES: ReadonlyArray<number> = Array.from({ length: 64 }, (_, step) =>
  Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32)
)

/** The text's UTF-8 with a one bit, zeros up to 8 bytes below a multiple of 64, and its length in bits. */
const padded = (text: string): DataView => {
  const bytes = new TextEncoder().encode(text)
  const view = new DataView(new ArrayBuffer((((bytes.length + 8) >> 6) + 1) << 6))
  new Uint8Array(view.buffer).set(bytes)
  view.setUint8(bytes.length, 0x80)
  view.setUint32(view.byteLength - 8, bytes.length << 3, true)
  view.setUint32(view.byteLength - 4, bytes.length >>> 29, true)
  return view
}

/** The digest of the text's UTF-8 as 32 lower-case hex digits. */
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
      const turn = TURNS[(round << 2) | (step & 3)] ?? 0
      ;[a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0]
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
