/** Collects bytes into parts of one size. */
export class PartBuffer {
  readonly #size: number
  #chunks: Array<Uint8Array> = []
  #length = 0

  constructor(size: number) {
    this.#size = size
  }

  /** Adds bytes; returns the parts that are full now. */
  add(bytes: Uint8Array): ReadonlyArray<Uint8Array<ArrayBuffer>> {
    const full: Array<Uint8Array<ArrayBuffer>> = []
    let rest = bytes
    while (this.#length + rest.length >= this.#size) {
      const end = this.#size - this.#length
      this.#push(rest.subarray(0, end))
      full.push(this.rest())
      rest = rest.subarray(end)
    }
    // Copied, since the bytes may be a view of a much larger buffer that is used again.
    if (rest.length > 0) this.#push(rest.slice())
    return full
  }

  #push(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  /** Returns the bytes that are not in a part yet, and removes them. */
  rest(): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      joined.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = []
    this.#length = 0
    return joined
  }
}
