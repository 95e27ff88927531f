/** The part of the platform's `AbortSignal` that is used here: the core has no platform. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly addEventListener: (type: "abort", listener: () => void) => void
  readonly removeEventListener: (type: "abort", listener: () => void) => void
}

/** Calls back once when the signal aborts, at once where it has; the returned function takes that back. */
export const onAbort = (signal: AbortSignalLike | undefined, callback: () => void): (() => void) => {
  if (signal === undefined) return () => {}
  if (signal.aborted) {
    callback()
    return () => {}
  }
  signal.addEventListener("abort", callback)
  return () => signal.removeEventListener("abort", callback)
}
