/** Random numbers from a seed, so that a run can be repeated with the same operations and faults. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** A number in [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  pick<A>(all: ReadonlyArray<A>): A {
    const one = all[this.below(all.length)]
    if (one === undefined) throw new Error("the list is empty")
    return one
  }

  shuffled<A>(all: ReadonlyArray<A>): ReadonlyArray<A> {
    const list = [...all]
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const [one, two] = [list[last], list[other]]
      if (one !== undefined && two !== undefined) [list[last], list[other]] = [two, one]
    }
    return list
  }
}
