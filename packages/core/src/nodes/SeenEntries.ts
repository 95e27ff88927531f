/**
 * Ids of the newest entries that this node has broadcast, or is about to: what is read from the store later is compared
 * with them. A ring, as `EntryLocationCache`; an entry that has left it counts as unseen, which costs a read.
 */

/** A power of two. */
const SIZE = 65_536

export class SeenEntries {
  readonly #ids = new Float64Array(SIZE)
  #newest: number

  /** `newest`: id of the newest entry of the store. */
  constructor(newest: number) {
    this.#newest = newest
  }

  /** The highest id so far. */
  get newest(): number {
    return this.#newest
  }

  add(id: number): void {
    this.#ids[id % SIZE] = id
    if (id > this.#newest) this.#newest = id
  }

  has(id: number): boolean {
    return this.#ids[id % SIZE] === id
  }
}
