/**
 * Who came, went or changed, told to everybody. Each such event goes to all who are here, so many logins at once would
 * cost their square: what is more than can be told at once is gathered, and told to all in one frame of the same bytes.
 */
import type { UserEvent } from "./Event.ts"

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

export class PresenceNews {
  readonly #timing: Timing
  readonly #tell: (events: ReadonlyArray<UserEvent>, except: number | undefined) => void
  #gathered: Array<UserEvent> = []
  #since = Number.NEGATIVE_INFINITY
  #spent = 0
  #told = 0

  /** `tell` says events to everybody but one connection. */
  constructor(timing: Timing, tell: (events: ReadonlyArray<UserEvent>, except: number | undefined) => void) {
    this.#timing = timing
    this.#tell = tell
  }

  /** Counts how often something was told: a list of who is here, made at one count, lacks only what is told later. */
  get told(): number {
    return this.#told
  }

  /** Whether something waits to be told. */
  get gathering(): boolean {
    return this.#gathered.length > 0
  }

  /** `listeners` is how many hear it. What is gathered reaches the connection that asked as well, which knows it already. */
  announce(event: UserEvent, listeners: number, except: number | undefined): void {
    if (this.#gathered.length > 0) {
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
      this.#told++
      this.#tell([event], except)
      return
    }
    this.#gathered.push(event)
    this.#timing.after(Math.max(0, this.#since + GATHERING - now), () => this.#flush())
  }

  #flush(): void {
    const events = this.#gathered
    this.#gathered = []
    this.#told++
    this.#tell(events, undefined)
  }
}
