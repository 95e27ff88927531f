/**
 * Iterations that end as soon as whoever iterates goes, also while they wait for what comes next. A generator alone is
 * deaf to that: its `return()` waits for the very value that may never come, and what it holds is held as long.
 */
import type { AbortSignalLike } from "./AbortSignalLike.ts"

class Cancellation implements AbortSignalLike {
  aborted = false
  readonly #listeners = new Set<() => void>()

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener)
  }

  cancel(): void {
    this.aborted = true
    for (const listener of this.#listeners) listener()
  }
}

/** `generate` is given what tells it that nobody iterates any more. */
export const cancellable = <A>(
  generate: (left: AbortSignalLike) => AsyncGenerator<A, void, undefined>
): AsyncIterableIterator<A, void, undefined> => {
  const leaving = new Cancellation()
  const generator = generate(leaving)
  return {
    next: () => generator.next(),
    return: () => {
      leaving.cancel()
      return generator.return()
    },
    throw: (error: unknown) => {
      leaving.cancel()
      return generator.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
