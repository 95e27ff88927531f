/** Timers and the wait between attempts; tests pass their own. */

/** Timers, in milliseconds. */
export interface Clock {
  /** Calls back after some milliseconds; returns a handle. */
  readonly setTimeout: (run: () => void, milliseconds: number) => unknown
  /** Cancels a call by its handle. */
  readonly clearTimeout: (timer: unknown) => void
}

export const platformClock: Clock = {
  setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as number)
}

/** Milliseconds. */
export interface Backoff {
  /** Upper bound of the first wait; doubled after every failed attempt. */
  readonly first: number
  /** Maximum of that bound. */
  readonly max: number
}

export const defaultBackoff: Backoff = { first: 500, max: 30_000 }

/**
 * Returns the milliseconds before attempt number `attempt`, from 0: anything from 0 to the bound ("full jitter"), so that
 * clients do not all return at once after a restart of the server. `random` is in [0, 1).
 */
export const delayOf = ({ first, max }: Backoff, attempt: number, random: number): number =>
  Math.floor(random * Math.min(max, first * 2 ** Math.min(attempt, 30)))
