/**
 * Iterations that can be cancelled while they await the next value. A plain generator cannot: its `return()` waits for
 * a value that may never arrive, and its resources are held meanwhile.
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

/** Returns a cancellable iteration over a generator, which gets a signal that aborts when the consumer stops. */
export const cancellable = <A>(
  generate: (cancelled: AbortSignalLike) => AsyncGenerator<A, void, undefined>
): AsyncIterableIterator<A, void, undefined> => {
  const cancellation = new Cancellation()
  const generator = generate(cancellation)
  return {
    next: () => generator.next(),
    return: () => {
      cancellation.cancel()
      return generator.return()
    },
    throw: (error: unknown) => {
      cancellation.cancel()
      return generator.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
