/**
 * Id after which the store is read again: all lower ones are known. Ids of concurrent commits become visible out of order,
 * so that it follows the newest id with a delay.
 */
export class Watermark {
  readonly #delay: number
  /** Newest ids by the time at which they were known, oldest first. */
  readonly #marks: Array<{ readonly at: number; readonly id: number }>

  /** `delay` in milliseconds; `id`: everything up to it is known from the start. */
  constructor(delay: number, id: number) {
    this.#delay = delay
    this.#marks = [{ at: Number.NEGATIVE_INFINITY, id }]
  }

  /** Records the newest known id. `now`: milliseconds of a monotonic clock. */
  advance(now: number, id: number): void {
    const last = this.#marks.at(-1)
    if (last !== undefined && id > last.id) this.#marks.push({ at: now, id })
  }

  /** Returns the newest id that was known before the delay. */
  after(now: number): number {
    for (let next = this.#marks[1]; next !== undefined && next.at <= now - this.#delay; next = this.#marks[1]) {
      this.#marks.shift()
    }
    return this.#marks[0]?.id ?? 0
  }
}
