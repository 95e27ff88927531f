/**
 * When the log's indexes are brought up to it. Messages come in no order of chats or gids, so each would change a page of
 * its own in both indexes; many at once, in order, share pages. Of gids, which are spread over their whole index, more have to
 * wait for each other than of chats; only the writer needs them (see `Gids`).
 */
import { isBusy } from "../sqliteError.ts"
import type { Transactions } from "../writer/Transactions.ts"

export interface Pace {
  /** Entries that are not indexed, at most, between transactions while more come. */
  readonly entries: number
  /** Messages of those that the index by gid does not have, at most, beside that. */
  readonly gids: number
  /** Milliseconds without a transaction, after which all are indexed; at most 2^31 - 1. */
  readonly idle: number
}

/**
 * With half as many entries each costs an eighth more. Gids take about 5 MB of the writer's memory while they wait; with a
 * million messages each costs a fifth less than if none waited.
 */
export const PACE: Pace = { entries: 8192, gids: 32_768, idle: 100 }

/**
 * Milliseconds that the next transaction may have to wait, about. In a database of a million messages most entries
 * change pages of their own however many are taken at once, so fewer are taken at once there.
 */
const STROKE = 50
/** Entries of each index in a stroke: at least, so that what a transaction costs by itself does not count, and at most. */
const FEWEST = 128
const MOST = 8192

/** Milliseconds after the first attempt that fails, and at most: each one takes twice as long as the one before. */
const AGAIN = 1_000
const AT_MOST = 600_000

export interface News {
  /** Entries could not be indexed, unless somebody else just held the database. */
  readonly failed: (cause: unknown) => void
  /** The indexes were made anew, since that showed them to be at odds with the log. */
  readonly remade: (odds: unknown) => void
}

type Writing = Pick<Transactions, "index" | "unindexed" | "waiting">

export class Indexing {
  readonly #writing: Writing
  readonly #pace: Pace
  readonly #news: News
  /** How many entries a stroke takes, as far as the last one showed. */
  #stroke = MOST
  /** How many entries the next attempt waits for. */
  #enough: number
  /** Milliseconds until an attempt that failed is made again; 0 while none has. */
  #again = 0
  #timer: NodeJS.Timeout | undefined

  constructor(writing: Writing, pace: Pace, news: News) {
    this.#writing = writing
    this.#pace = pace
    this.#news = news
    this.#enough = pace.entries
  }

  /** After a transaction, once its units are answered: nobody who was answered waits for the indexes. */
  answered(): void {
    const unindexed = this.#writing.unindexed
    // What a store that was busy or full has left behind is made good for little by little.
    const behind = Math.min(unindexed - this.#pace.entries, 2 * this.#pace.entries)
    if (unindexed >= this.#enough) this.#index(Math.max(this.#stroke, behind), this.#pace.gids)
    if (this.#again === 0 && this.#isBehind) this.#in(this.#pace.idle)
  }

  /** Everything, at once. */
  now(): void {
    this.#index(Infinity)
  }

  /** Everything, and no more after that. */
  end(): void {
    this.#index(Infinity)
    clearTimeout(this.#timer)
  }

  /** No more from now on. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Where it fails the log goes on without: all is found in memory, and it is tried again later, ever less often. */
  #index(most: number, keep = 0): void {
    clearTimeout(this.#timer)
    const { unindexed, waiting } = this.#writing
    const began = performance.now()
    try {
      const odds = this.#writing.index(most, keep)
      if (odds !== undefined) this.#news.remade(odds)
      this.#enough = this.#pace.entries
      this.#again = 0
      const many = Math.max(unindexed - this.#writing.unindexed, waiting - this.#writing.waiting)
      const paced = Math.floor((many * STROKE) / (performance.now() - began))
      if (many >= FEWEST) this.#stroke = Math.min(MOST, Math.max(FEWEST, paced))
    } catch (cause) {
      this.#enough = 2 * Math.max(this.#pace.entries, unindexed)
      this.#again = Math.min(AT_MOST, Math.max(AGAIN, 2 * this.#again))
      this.#in(this.#again)
      if (!isBusy(cause)) this.#news.failed(cause)
    }
  }

  get #isBehind(): boolean {
    return this.#writing.unindexed > 0 || this.#writing.waiting > 0
  }

  /** In so many milliseconds as much as a stroke takes, and so on until all is indexed. */
  #in(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#index(this.#stroke)
      if (this.#again === 0 && this.#isBehind) this.#in(0)
    }, milliseconds)
  }
}
