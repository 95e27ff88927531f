/** Random numbers from a seed: the same seed gives the same numbers on every machine. Not for secrets. */
export class SeededRandom {
  #state: number

  /** Starts at a seed, of which 32 bits count. */
  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** Returns a number in [0, 1), by mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Returns an integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** Returns true with this probability, from 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** Returns one of the items. Throws if there are none. */
  pick<A>(items: ReadonlyArray<A>): A {
    if (items.length === 0) throw new Error("the list is empty")
    return items[this.below(items.length)] as A
  }

  /** Returns `size` bytes. */
  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.below(256))
  }
}
