/** A password that was not given on the command line. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Prompt from "effect/cli/Prompt"
import { createInterface } from "node:readline"
import { CommandFailed } from "./CommandFailed.ts"

/** Asked for without echo on a terminal, twice when it is a new one; else the first line of standard input. */
export const promptSecret = Effect.fnUntraced(function* (whose: string) {
  if (process.stdin.isTTY !== true) {
    const line = yield* firstLine
    if (line === undefined || line === "") {
      return yield* new CommandFailed({ message: "no password: give --password, or one line on standard input" })
    }
    return line
  }
  const ask = (message: string) => Effect.map(Prompt.run(Prompt.Hidden({ message })), Redacted.value)
  const first = yield* ask(`New password of ${whose}:`)
  const second = yield* ask("The same again:")
  return first === second ? first : yield* new CommandFailed({ message: "the two passwords are not the same" })
})

const firstLine: Effect.Effect<string | undefined> = Effect.callback((resume) => {
  const lines = createInterface({ input: process.stdin })
  lines.once("line", (line) => resume(Effect.succeed(line)))
  lines.once("close", () => resume(Effect.succeed(undefined)))
  return Effect.sync(() => lines.close())
})
