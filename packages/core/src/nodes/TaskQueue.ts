/** Runs effects one after the other, in the order in which they were added. */
import * as Effect from "effect/Effect"
import type { StorageFailed } from "../ports/Store.ts"

export class TaskQueue {
  readonly #limit: number
  readonly #run: (work: Effect.Effect<void>) => void
  readonly #onFailure: (cause: unknown) => Effect.Effect<void>
  #tasks: Array<Effect.Effect<void, StorageFailed>> = []
  #isRunning = false

  /** `run` starts a fiber. `onFailure` is called for each failed task, and the next one runs. */
  constructor(
    limit: number,
    run: (work: Effect.Effect<void>) => void,
    onFailure: (cause: unknown) => Effect.Effect<void>
  ) {
    this.#limit = limit
    this.#run = run
    this.#onFailure = onFailure
  }

  /** Whether no task is running or queued. */
  get isIdle(): boolean {
    return !this.#isRunning
  }

  /** Returns false, without effect, if the queue is full. */
  add(task: Effect.Effect<void, StorageFailed>): boolean {
    if (this.#tasks.length >= this.#limit) return false
    this.#tasks.push(task)
    if (this.#isRunning) return true
    this.#isRunning = true
    this.#run(this.#drain)
    return true
  }

  readonly #drain: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    while (this.#tasks.length > 0) {
      const tasks = this.#tasks
      this.#tasks = []
      for (const task of tasks) yield* Effect.catchCause(task, (cause) => this.#onFailure(cause))
    }
    this.#isRunning = false
  })
}
