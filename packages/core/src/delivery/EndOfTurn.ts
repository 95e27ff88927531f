/**
 * Work for the end of this turn of the event loop, in one microtask for the whole process: chats hand what was announced to
 * their subscribers, and those send one frame each.
 */
import * as Effect from "effect/Effect"

export interface Waiting {
  readonly endTurn: () => void
}

let waiting: Array<Waiting> = []

/** What is added meanwhile is done in the same microtask, after the rest. */
const endTurn = (): void => {
  for (let nth = 0; nth < waiting.length; nth++) {
    try {
      waiting[nth]?.endTurn()
    } catch (cause) {
      // A mistake of ours with one of them is none of the others'.
      Effect.runFork(Effect.logError("what waited for the end of the turn broke off", cause))
    }
  }
  waiting = []
}

export const atEndOfTurn = (one: Waiting): void => {
  if (waiting.push(one) === 1) void Promise.resolve().then(endTurn)
}
