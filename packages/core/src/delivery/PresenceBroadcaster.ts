/**
 * Who came, went or changed, told to everybody. Each such event goes to all who are here, so many logins at once would
 * cost their square: what is more than can be told at once is gathered, and told to all in one frame of the same bytes.
 */
import type { UserEvent } from "../model/Event.ts"

/** Milliseconds for which news may be gathered, at most. Source: PROTOCOLS leaves it open; clients show who is here. */
export const BATCH_DELAY = 1000
/** Events times listeners that are told at once within that time. */
export const IMMEDIATE_LIMIT = 20_000

/** Where the time comes from. */
export interface BroadcastTiming {
  /** Milliseconds. */
  readonly now: () => number
  /** Calls back once, after so many milliseconds. */
  readonly after: (milliseconds: number, callback: () => void) => void
}

/**
 * Tells everybody but one connection. What is too much for one turn of the event loop is told in parts; who comes between two
 * parts may be told as well.
 */
export type PublishPresence = (events: ReadonlyArray<UserEvent>, except: number | undefined) => Iterator<void, void>

/** Milliseconds between two parts: time for clients to read, and for everything else. */
const CHUNK_PAUSE = 2

export class PresenceBroadcaster {
  readonly #timing: BroadcastTiming
  readonly #publish: PublishPresence
  #batch: Array<UserEvent> = []
  #since = Number.NEGATIVE_INFINITY
  #spent = 0
  #generation = 0
  #isPublishing = false

  constructor(timing: BroadcastTiming, tell: PublishPresence) {
    this.#timing = timing
    this.#publish = tell
  }

  /** Counts how often something was told: a list of who is here, made at one count, lacks only what is told later. */
  get generation(): number {
    return this.#generation
  }

  /** Whether something waits to be told. */
  get isBatching(): boolean {
    return this.#isPublishing || this.#batch.length > 0
  }

  /** `listeners` is how many hear it. What is gathered reaches the connection that asked as well, which knows it already. */
  publish(event: UserEvent, listeners: number, except: number | undefined): void {
    if (this.isBatching) {
      this.#batch.push(event)
      return
    }
    const now = this.#timing.now()
    if (!(now - this.#since < BATCH_DELAY) || now < this.#since) {
      this.#since = now
      this.#spent = 0
    }
    this.#spent += listeners
    if (this.#spent <= IMMEDIATE_LIMIT) {
      return this.#begin([event], except)
    }
    this.#batch.push(event)
    this.#flushLater()
  }

  #flushLater(): void {
    this.#timing.after(Math.max(0, this.#since + BATCH_DELAY - this.#timing.now()), () => this.#flush())
  }

  #flush(): void {
    const events = this.#batch
    this.#batch = []
    this.#since = this.#timing.now()
    this.#spent = 0
    this.#begin(events, undefined)
  }

  #begin(events: ReadonlyArray<UserEvent>, except: number | undefined): void {
    // From here on a list that is made anew has it all: who gets one while others are still told lacks nothing.
    this.#generation++
    this.#isPublishing = true
    this.#continue(this.#publish(events, except))
  }

  #continue(parts: Iterator<void, void>): void {
    if (parts.next().done !== true) return this.#timing.after(CHUNK_PAUSE, () => this.#continue(parts))
    this.#isPublishing = false
    if (this.#batch.length > 0) this.#flushLater()
  }
}
