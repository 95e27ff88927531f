/**
 * Schedules updates of the log's indexes. Messages arrive in random order of chats and gids, so each would change its own
 * page in both indexes; many together, sorted, share pages. Gids spread over their whole index, so more of them are
 * buffered than of chats (see `GidIndex`).
 */
import { isBusy } from "../sqliteError.ts"

export interface IndexPolicy {
  /** Maximum number of unindexed entries between transactions under load. */
  readonly entries: number
  /** Maximum number of messages missing from the index by gid. */
  readonly gids: number
  /** Milliseconds without a transaction after which everything is indexed; maximum 2^31 - 1. */
  readonly idle: number
}

/**
 * With half as many entries each costs an eighth more. Buffered gids take about 5 MB of the writer's memory; with a
 * million messages each costs a fifth less than without the buffer.
 */
export const DEFAULT_POLICY: IndexPolicy = { entries: 8192, gids: 32_768, idle: 100 }

/**
 * Target duration of one step in milliseconds, for which the next transaction may wait. In a database of a million
 * messages most entries change their own pages at any step size, so steps are smaller there.
 */
const STEP_TIME = 50
/** Bounds of one step in entries of each index; the minimum amortizes the cost of a transaction. */
const MIN_STEP = 128
const MAX_STEP = 8192

/** Milliseconds before the first retry, and their maximum; each delay is twice the previous one. */
const RETRY_DELAY = 1_000
const MAX_RETRY_DELAY = 600_000

export interface IndexEvents {
  /** Indexing failed for another reason than a lock held elsewhere. */
  readonly failed: (cause: unknown) => void
  /** The indexes were rebuilt because of this inconsistency with the log. */
  readonly rebuilt: (inconsistency: unknown) => void
}

/** The log and its indexes, as the scheduler needs them of the writer. */
export interface IndexedLog {
  /** Number of entries missing from the index by chat. */
  readonly unindexed: number
  /** Number of messages missing from the index by gid. */
  readonly bufferedGids: number
  /**
   * Adds at most `most` entries to each index; `keep` messages may stay out of the one by gid. Throws on failure. Returns
   * the inconsistency because of which it rebuilt the indexes, or undefined.
   */
  readonly index: (most: number, keep: number) => unknown
}

export class IndexScheduler {
  readonly #writer: IndexedLog
  readonly #policy: IndexPolicy
  readonly #events: IndexEvents
  /** Entries per step, by the duration of the last step. */
  #stepSize = MAX_STEP
  /** Unindexed entries at which the next attempt starts. */
  #threshold: number
  /** Milliseconds until a failed attempt is repeated; 0 after a success. */
  #retryDelay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(writer: IndexedLog, policy: IndexPolicy, events: IndexEvents) {
    this.#writer = writer
    this.#policy = policy
    this.#events = events
    this.#threshold = policy.entries
  }

  /** Runs after a transaction once its batches are answered, so that no reply waits for the indexes. */
  afterTransaction(): void {
    const unindexed = this.#writer.unindexed
    // Works off the backlog incrementally after failed runs.
    const behind = Math.min(unindexed - this.#policy.entries, 2 * this.#policy.entries)
    if (unindexed >= this.#threshold) this.#index(Math.max(this.#stepSize, behind), this.#policy.gids)
    if (this.#retryDelay === 0 && this.#isBehind) this.#indexAfter(this.#policy.idle)
  }

  /** Indexes everything immediately. */
  now(): void {
    this.#index(Infinity)
  }

  /** Indexes everything and stops. */
  end(): void {
    this.#index(Infinity)
    clearTimeout(this.#timer)
  }

  /** Stops. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  /** After a failure entries stay readable from memory, and retries back off. */
  #index(most: number, keep = 0): void {
    clearTimeout(this.#timer)
    const { unindexed, bufferedGids } = this.#writer
    const began = performance.now()
    try {
      const inconsistency = this.#writer.index(most, keep)
      if (inconsistency !== undefined) this.#events.rebuilt(inconsistency)
      this.#threshold = this.#policy.entries
      this.#retryDelay = 0
      const indexed = Math.max(unindexed - this.#writer.unindexed, bufferedGids - this.#writer.bufferedGids)
      const target = Math.floor((indexed * STEP_TIME) / (performance.now() - began))
      if (indexed >= MIN_STEP) this.#stepSize = Math.min(MAX_STEP, Math.max(MIN_STEP, target))
    } catch (cause) {
      this.#threshold = 2 * Math.max(this.#policy.entries, unindexed)
      this.#retryDelay = Math.min(MAX_RETRY_DELAY, Math.max(RETRY_DELAY, 2 * this.#retryDelay))
      this.#indexAfter(this.#retryDelay)
      if (!isBusy(cause)) this.#events.failed(cause)
    }
  }

  get #isBehind(): boolean {
    return this.#writer.unindexed > 0 || this.#writer.bufferedGids > 0
  }

  /** Runs one step after the delay, and further steps until everything is indexed. */
  #indexAfter(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#index(this.#stepSize)
      if (this.#retryDelay === 0 && this.#isBehind) this.#indexAfter(0)
    }, milliseconds)
  }
}
