/**
 * Queue of work for the end of this turn of the event loop, in one microtask for the whole process: chats deliver their
 * events to their subscribers, which then send one frame each.
 */
import * as Effect from "effect/Effect"

export interface Waiting {
  readonly endTurn: () => void
}

let waiting: Array<Waiting> = []

/** Work that is added meanwhile is done in the same microtask, after the rest. */
const endTurn = (): void => {
  for (let nth = 0; nth < waiting.length; nth++) {
    try {
      waiting[nth]?.endTurn()
    } catch (cause) {
      // A defect in one of them does not affect the others.
      Effect.runFork(Effect.logError("work at the end of a turn failed", cause))
    }
  }
  waiting = []
}

export const atEndOfTurn = (one: Waiting): void => {
  if (waiting.push(one) === 1) void Promise.resolve().then(endTurn)
}
