/**
 * Who came, went or changed, told to everybody. Each such event goes to all who are here, so many logins at once would
 * cost their square: what is more than can be told at once is gathered, and told to all in one frame of the same bytes.
 */
import type { UserEvent } from "../model/Event.ts"

/** Milliseconds for which news may be gathered, at most. Source: PROTOCOLS leaves it open; clients show who is here. */
export const GATHERING = 1000
/** Events times listeners that are told at once within that time. */
export const AT_ONCE = 20_000

/** Where the time comes from. */
export interface Timing {
  /** Milliseconds. */
  readonly now: () => number
  /** Calls back once, after so many milliseconds. */
  readonly after: (milliseconds: number, callback: () => void) => void
}

/**
 * Tells everybody but one connection. What is too much for one turn of the event loop is told in parts; who comes between two
 * parts may be told as well.
 */
export type Tell = (events: ReadonlyArray<UserEvent>, except: number | undefined) => Iterator<void, void>

/** Milliseconds between two parts: time for clients to read, and for everything else. */
const PAUSE = 2

export class PresenceNews {
  readonly #timing: Timing
  readonly #tell: Tell
  #gathered: Array<UserEvent> = []
  #since = Number.NEGATIVE_INFINITY
  #spent = 0
  #told = 0
  #telling = false

  constructor(timing: Timing, tell: Tell) {
    this.#timing = timing
    this.#tell = tell
  }

  /** Counts how often something was told: a list of who is here, made at one count, lacks only what is told later. */
  get told(): number {
    return this.#told
  }

  /** Whether something waits to be told. */
  get gathering(): boolean {
    return this.#telling || this.#gathered.length > 0
  }

  /** `listeners` is how many hear it. What is gathered reaches the connection that asked as well, which knows it already. */
  announce(event: UserEvent, listeners: number, except: number | undefined): void {
    if (this.gathering) {
      this.#gathered.push(event)
      return
    }
    const now = this.#timing.now()
    if (!(now - this.#since < GATHERING) || now < this.#since) {
      this.#since = now
      this.#spent = 0
    }
    this.#spent += listeners
    if (this.#spent <= AT_ONCE) {
      return this.#begin([event], except)
    }
    this.#gathered.push(event)
    this.#flushLater()
  }

  #flushLater(): void {
    this.#timing.after(Math.max(0, this.#since + GATHERING - this.#timing.now()), () => this.#flush())
  }

  #flush(): void {
    const events = this.#gathered
    this.#gathered = []
    this.#since = this.#timing.now()
    this.#spent = 0
    this.#begin(events, undefined)
  }

  #begin(events: ReadonlyArray<UserEvent>, except: number | undefined): void {
    // From here on a list that is made anew has it all: who gets one while others are still told lacks nothing.
    this.#told++
    this.#telling = true
    this.#goOn(this.#tell(events, except))
  }

  #goOn(parts: Iterator<void, void>): void {
    if (parts.next().done !== true) return this.#timing.after(PAUSE, () => this.#goOn(parts))
    this.#telling = false
    if (this.#gathered.length > 0) this.#flushLater()
  }
}
