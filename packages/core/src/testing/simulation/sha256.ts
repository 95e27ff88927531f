/** SHA-256 in plain JavaScript (FIPS 180-4), since WebCrypto's results arrive in an order that no seed decides. */

const primes = (count: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate)
  }
  return found
}

/** The first 32 bits of the fraction of a root. Section 4.2.2 and 5.3.3. */
const fraction = (root: number): number => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0

const CONSTANTS = primes(64).map((prime) => fraction(Math.cbrt(prime)))
const START = primes(8).map((prime) => fraction(Math.sqrt(prime)))

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

/** Returns the message with its padding. Section 5.1.1. */
const padded = (data: Uint8Array): DataView => {
  const length = Math.ceil((data.length + 9) / 64) * 64
  const bytes = new Uint8Array(length)
  bytes.set(data)
  bytes[data.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setUint32(length - 8, Math.floor(data.length / 2 ** 29))
  view.setUint32(length - 4, data.length << 3)
  return view
}

/** Returns the 32 bytes of the digest. Section 6.2.2. */
export const sha256 = (data: Uint8Array): Uint8Array => {
  const view = padded(data)
  const hash = Int32Array.from(START)
  const words = new Int32Array(64)
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let at = 0; at < 64; at++) {
      if (at < 16) words[at] = view.getInt32(block + at * 4)
      else {
        const [x, y] = [words[at - 15] as number, words[at - 2] as number]
        const one = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
        const two = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
        words[at] = ((words[at - 16] as number) + one + (words[at - 7] as number) + two) | 0
      }
    }
    let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number]
    for (let at = 0; at < 64; at++) {
      const high = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const first = (h + high + ((e & f) ^ (~e & g)) + (CONSTANTS[at] as number) + (words[at] as number)) | 0
      const low = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0]
    }
    for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) hash[at] = ((hash[at] as number) + word) | 0
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (const [at, word] of hash.entries()) digest.setInt32(at * 4, word)
  return new Uint8Array(digest.buffer)
}
