/** `parley demo remove`: removes what strangers could use of a demonstration. */
import type { OpenDialect, OperatorCommand } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { holdsDemonstration, noteDemonstration } from "./demoGuard.ts"
import { removeDemoUsers } from "./demoUsers.ts"
import { withCommandErrors } from "../users/errorText.ts"

const STAYS = "Its users are still listed, and its chats and messages stay: nothing is ever removed from a log."

const UNWRITABLE = "the database could not be read or written; the server's log says why"

/** Made over an engine and the protocols that were opened over it. */
export const demoCommands = Effect.fnUntraced(function* (open: ReadonlyArray<OpenDialect<unknown>>) {
  const engine = yield* Engine
  const store = yield* Store
  const users = yield* removeDemoUsers
  const remove: OperatorCommand = {
    path: ["demo", "remove"],
    description: "Remove the demonstration's passwords, sessions, keys and apps, so that others may reach the server",
    inputs: [],
    run: Effect.fnUntraced(function* () {
      const there = yield* holdsDemonstration(store).pipe(Effect.mapError(() => UNWRITABLE))
      if (!there) return yield* Effect.fail("the database holds no demonstration")
      const accounts = yield* withCommandErrors(users)
      const removed = accounts.map((account) => `the password and the sessions of ${account}, who is disabled now`)
      for (const { removeDemo } of open) if (removeDemo !== undefined) removed.push(...(yield* removeDemo))
      yield* noteDemonstration(engine, false).pipe(Effect.mapError(() => UNWRITABLE))
      return [...removed.map((one) => `removed ${one}`), STAYS].join("\n")
    })
  }
  return [remove]
})
