/** Reads a password that is not on the command line. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Prompt from "effect/cli/Prompt"
import { createInterface } from "node:readline"
import { CommandFailed } from "./CommandFailed.ts"

/** Prompts for a new password twice, without echo, on a terminal; otherwise reads the first line of standard input. */
export const promptSecret = Effect.fnUntraced(function* (account: string) {
  if (process.stdin.isTTY !== true) {
    const line = yield* firstLine
    if (line === undefined || line === "") {
      return yield* new CommandFailed({ message: "no password: give --password, or one line on standard input" })
    }
    return line
  }
  const ask = (message: string) => Effect.map(Prompt.run(Prompt.Hidden({ message })), Redacted.value)
  const first = yield* ask(`New password of ${account}:`)
  const second = yield* ask("Repeat the password:")
  return first === second ? first : yield* new CommandFailed({ message: "the passwords differ" })
})

const firstLine: Effect.Effect<string | undefined> = Effect.callback((resume) => {
  const lines = createInterface({ input: process.stdin })
  lines.once("line", (line) => resume(Effect.succeed(line)))
  lines.once("close", () => resume(Effect.succeed(undefined)))
  return Effect.sync(() => lines.close())
})
