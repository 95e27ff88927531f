/** The journal of the store in memory. */
import { type Change, JOURNAL_SIZE, type JournalEntry, type JournalPage } from "@parley/core/Journal"

export class ChangeList {
  readonly #limit: number
  #entries: Array<JournalEntry> = []
  #newest = 0

  /** Keeps at least `limit` changes. */
  constructor(limit: number = JOURNAL_SIZE) {
    this.#limit = limit
  }

  /** Id of the newest change, 0 if there is none. */
  get newest(): number {
    return this.#newest
  }

  add(change: Change): void {
    this.#entries.push({ id: ++this.#newest, change })
    if (this.#entries.length > 2 * this.#limit) this.#entries = this.#entries.slice(-this.#limit)
  }

  after(id: number, limit: number): JournalPage {
    const dropped = this.#newest - this.#entries.length
    const from = Math.max(0, id - dropped)
    return { entries: this.#entries.slice(from, from + Math.max(0, limit)), complete: id >= dropped }
  }
}
