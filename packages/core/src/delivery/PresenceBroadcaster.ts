/**
 * Broadcasts presence events to all online users. The cost of many simultaneous logins would be quadratic: events over a
 * limit are batched, and sent to all users in one frame of the same bytes.
 */
import type { UserEvent } from "../model/Event.ts"

/** Maximum delay of batched events in milliseconds. Source: PROTOCOLS leaves it open; clients display who is online. */
export const BATCH_DELAY_MS = 1000
/** Maximum number of deliveries (events times recipients) within that time before batching begins. */
export const IMMEDIATE_LIMIT = 20_000

/** Clock and timer. */
export interface BroadcastTiming {
  /** Milliseconds. */
  readonly now: () => number
  /** Calls back once, after this delay. */
  readonly after: (milliseconds: number, callback: () => void) => void
}

/**
 * Sends events to all users but one connection, in chunks if they are too much for one turn of the event loop; a user
 * who connects between two chunks may receive them too.
 */
export type PublishPresence = (events: ReadonlyArray<UserEvent>, except: number | undefined) => Iterator<void, void>

/** Pause between two chunks in milliseconds, for clients to read and for other work. */
const CHUNK_PAUSE_MS = 2

export class PresenceBroadcaster {
  readonly #timing: BroadcastTiming
  readonly #publish: PublishPresence
  #batch: Array<UserEvent> = []
  #windowStart = Number.NEGATIVE_INFINITY
  #deliveries = 0
  #generation = 0
  #isPublishing = false

  constructor(timing: BroadcastTiming, publish: PublishPresence) {
    this.#timing = timing
    this.#publish = publish
  }

  /** Number of broadcasts. A list of online users lacks only the broadcasts after its generation. */
  get generation(): number {
    return this.#generation
  }

  /** Whether events are pending. */
  get isBatching(): boolean {
    return this.#isPublishing || this.#batch.length > 0
  }

  /**
   * `listeners` is the number of recipients. A batch reaches the requesting connection too, which has the event
   * already.
   */
  publish(event: UserEvent, recipients: number, except: number | undefined): void {
    if (this.isBatching) {
      this.#batch.push(event)
      return
    }
    const now = this.#timing.now()
    if (!(now - this.#windowStart < BATCH_DELAY_MS) || now < this.#windowStart) {
      this.#windowStart = now
      this.#deliveries = 0
    }
    this.#deliveries += recipients
    if (this.#deliveries <= IMMEDIATE_LIMIT) {
      return this.#start([event], except)
    }
    this.#batch.push(event)
    this.#flushLater()
  }

  #flushLater(): void {
    this.#timing.after(Math.max(0, this.#windowStart + BATCH_DELAY_MS - this.#timing.now()), () => this.#flush())
  }

  #flush(): void {
    const events = this.#batch
    this.#batch = []
    this.#windowStart = this.#timing.now()
    this.#deliveries = 0
    this.#start(events, undefined)
  }

  #start(events: ReadonlyArray<UserEvent>, except: number | undefined): void {
    // A user list made from here on contains these events, even while they are still being sent.
    this.#generation++
    this.#isPublishing = true
    this.#continue(this.#publish(events, except))
  }

  #continue(chunks: Iterator<void, void>): void {
    if (chunks.next().done !== true) return this.#timing.after(CHUNK_PAUSE_MS, () => this.#continue(chunks))
    this.#isPublishing = false
    if (this.#batch.length > 0) this.#flushLater()
  }
}
