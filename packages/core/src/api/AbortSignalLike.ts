/** The members of the platform's `AbortSignal` that are used here: the core has no platform types. */
export interface AbortSignalLike {
  /** Whether it has aborted. */
  readonly aborted: boolean
  /** Adds a listener of `abort`. */
  readonly addEventListener: (type: "abort", listener: () => void) => void
  /** Removes a listener of `abort`. */
  readonly removeEventListener: (type: "abort", listener: () => void) => void
}

/**
 * Calls back once when the signal aborts, immediately if it already has; the returned function removes the callback.
 */
export const onAbort = (signal: AbortSignalLike | undefined, callback: () => void): (() => void) => {
  if (signal === undefined) return () => {}
  if (signal.aborted) {
    callback()
    return () => {}
  }
  signal.addEventListener("abort", callback)
  return () => signal.removeEventListener("abort", callback)
}
