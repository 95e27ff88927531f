/**
 * When the log's indexes are brought up to it. Messages come in no order of chats or gids, so each would change a page of
 * its own in both indexes; many at once, in order, share pages. Of gids, which are spread over their whole index, more have to
 * wait for each other than of chats; only the writer needs them (see `Gids`).
 */
import { isBusy } from "../sqliteError.ts"
import type { Transactions } from "../writer/Transactions.ts"

export interface IndexPolicy {
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
export const DEFAULT_POLICY: IndexPolicy = { entries: 8192, gids: 32_768, idle: 100 }

/**
 * Milliseconds that the next transaction may have to wait, about. In a database of a million messages most entries
 * change pages of their own however many are taken at once, so fewer are taken at once there.
 */
const STEP_TIME = 50
/** Entries of each index in a stroke: at least, so that what a transaction costs by itself does not count, and at most. */
const MIN_STEP = 128
const MAX_STEP = 8192

/** Milliseconds after the first attempt that fails, and at most: each one takes twice as long as the one before. */
const RETRY_DELAY = 1_000
const AT_MOST = 600_000

export interface IndexEvents {
  /** Entries could not be indexed, unless somebody else just held the database. */
  readonly failed: (cause: unknown) => void
  /** The indexes were made anew, since that showed them to be at odds with the log. */
  readonly rebuilt: (odds: unknown) => void
}

type Writing = Pick<Transactions, "index" | "unindexed" | "waiting">

export class IndexScheduler {
  readonly #writing: Writing
  readonly #policy: IndexPolicy
  readonly #events: IndexEvents
  /** How many entries a stroke takes, as far as the last one showed. */
  #stepSize = MAX_STEP
  /** How many entries the next attempt waits for. */
  #enough: number
  /** Milliseconds until an attempt that failed is made again; 0 while none has. */
  #retryDelay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(writing: Writing, policy: IndexPolicy, news: IndexEvents) {
    this.#writing = writing
    this.#policy = policy
    this.#events = news
    this.#enough = policy.entries
  }

  /** After a transaction, once its units are answered: nobody who was answered waits for the indexes. */
  answered(): void {
    const unindexed = this.#writing.unindexed
    // What a store that was busy or full has left behind is made good for little by little.
    const behind = Math.min(unindexed - this.#policy.entries, 2 * this.#policy.entries)
    if (unindexed >= this.#enough) this.#index(Math.max(this.#stepSize, behind), this.#policy.gids)
    if (this.#retryDelay === 0 && this.#isBehind) this.#in(this.#policy.idle)
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
      if (odds !== undefined) this.#events.rebuilt(odds)
      this.#enough = this.#policy.entries
      this.#retryDelay = 0
      const many = Math.max(unindexed - this.#writing.unindexed, waiting - this.#writing.waiting)
      const paced = Math.floor((many * STEP_TIME) / (performance.now() - began))
      if (many >= MIN_STEP) this.#stepSize = Math.min(MAX_STEP, Math.max(MIN_STEP, paced))
    } catch (cause) {
      this.#enough = 2 * Math.max(this.#policy.entries, unindexed)
      this.#retryDelay = Math.min(AT_MOST, Math.max(RETRY_DELAY, 2 * this.#retryDelay))
      this.#in(this.#retryDelay)
      if (!isBusy(cause)) this.#events.failed(cause)
    }
  }

  get #isBehind(): boolean {
    return this.#writing.unindexed > 0 || this.#writing.waiting > 0
  }

  /** In so many milliseconds as much as a stroke takes, and so on until all is indexed. */
  #in(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#index(this.#stepSize)
      if (this.#retryDelay === 0 && this.#isBehind) this.#in(0)
    }, milliseconds)
  }
}
