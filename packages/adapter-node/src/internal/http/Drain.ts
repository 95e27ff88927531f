/** Closing of a host: whether it has begun, and the end of what is in flight. */
import * as Effect from "effect/Effect"

export class Drain {
  readonly #waiting = new Set<{ readonly condition: () => boolean; readonly satisfied: () => void }>()
  #isClosing = false

  /** Whether no more requests are accepted. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  begin(): void {
    this.#isClosing = true
  }

  /** Checks the conditions of `until` again: called after the end of a request or a connection. */
  readonly notify = (): void => {
    for (const waiting of Array.from(this.#waiting)) {
      if (waiting.condition() && this.#waiting.delete(waiting)) waiting.satisfied()
    }
  }

  /** Waits until the condition holds. */
  until(condition: () => boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const waiting = { condition, satisfied: () => resume(Effect.void) }
      this.#waiting.add(waiting)
      this.notify()
      return Effect.sync(() => this.#waiting.delete(waiting))
    })
  }
}
