/**
 * Queue of work for the end of this turn of the event loop, in one microtask for the whole process: chats deliver their
 * events to their subscribers, which then send one frame each.
 */
import * as Effect from "effect/Effect"

/** Work for the end of the turn. */
export interface EndOfTurnTask {
  /** Called once at the end of the turn. */
  readonly endTurn: () => void
}

let tasks: Array<EndOfTurnTask> = []

/** Work that is added meanwhile is done in the same microtask, after the rest. */
const endTurn = (): void => {
  for (let index = 0; index < tasks.length; index++) {
    try {
      tasks[index]?.endTurn()
    } catch (cause) {
      // A defect in one of them does not affect the others.
      Effect.runFork(Effect.logError("work at the end of a turn failed", cause))
    }
  }
  tasks = []
}

/** Adds a task to the end of this turn. */
export const atEndOfTurn = (task: EndOfTurnTask): void => {
  if (tasks.push(task) === 1) void Promise.resolve().then(endTurn)
}
