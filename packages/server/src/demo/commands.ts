/** The command `parley demo remove`: removes the public credentials of a demonstration. */
import type { OpenDialect, OperatorCommand } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { holdsDemonstration, recordDemonstration } from "./demoGuard.ts"
import { removeDemoUsers } from "./demoUsers.ts"
import { withCommandErrors } from "../users/errorText.ts"

const REMAINS = "Its users stay listed, and its chats and messages stay: nothing is ever removed from a log."

const UNWRITABLE = "the database could not be read or written; see the server's log"

/** Returns the command for the engine in the context and the protocols opened over it. */
export const demoCommands = Effect.fnUntraced(function* (open: ReadonlyArray<OpenDialect<unknown>>) {
  const engine = yield* Engine
  const store = yield* Store
  const users = yield* removeDemoUsers
  const remove: OperatorCommand = {
    path: ["demo", "remove"],
    description:
      "Remove the demonstration's passwords, sessions, keys and apps, so that other machines may reach the server",
    inputs: [],
    run: Effect.fnUntraced(function* () {
      const isPresent = yield* holdsDemonstration(store).pipe(Effect.mapError(() => UNWRITABLE))
      if (!isPresent) return yield* Effect.fail("the database holds no demonstration")
      const accounts = yield* withCommandErrors(users)
      const removed = accounts.map((account) => `the password and the sessions of ${account}, which is now disabled`)
      for (const { removeDemo } of open) if (removeDemo !== undefined) removed.push(...(yield* removeDemo))
      yield* recordDemonstration(engine, false).pipe(Effect.mapError(() => UNWRITABLE))
      return [...removed.map((one) => `removed ${one}`), REMAINS].join("\n")
    })
  }
  return [remove]
})
