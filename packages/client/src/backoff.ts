/** Time and chance, which a test may bring its own of. */

/** The platform's timers, or others. Milliseconds. */
export interface Clock {
  readonly setTimeout: (run: () => void, milliseconds: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
}

export const platformClock: Clock = {
  setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as number)
}

/** Milliseconds. */
export interface Backoff {
  /** The bound of the first wait; doubled with every further attempt in vain. */
  readonly first: number
  /** No wait is longer. */
  readonly max: number
}

export const defaultBackoff: Backoff = { first: 500, max: 30_000 }

/**
 * How long to wait before attempt number `attempt`, from 0: anything from nothing to the bound, so that the clients of a
 * server that comes back do not come all at once. `chance` is in [0, 1).
 */
export const delayOf = ({ first, max }: Backoff, attempt: number, chance: number): number =>
  Math.floor(chance * Math.min(max, first * 2 ** Math.min(attempt, 30)))
