#!/usr/bin/env node
/** The program `parley`. */
import { readFileSync } from "node:fs"
import { setFlagsFromString } from "node:v8"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { makeCliContext } from "./cli/container.ts"
import { runCommandLine } from "./cli/program.ts"
import { loadDialects, NoSuchDialect } from "./protocols.ts"
import { openLog } from "./logging/ServerLog.ts"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

const args = process.argv.slice(2)

// V8 guesses from the first hundred objects that are made in a place of the code whether all of them live long. With a store
// that answers late at first, it takes messages under way for such: see docs/decisions/0016.
setFlagsFromString("--no-allocation-site-pretenuring")

// What the server keeps (messages, hashes of passwords, files) is for its own user only.
process.umask(0o077)

// The reader of our output may stop reading, as in `parley user list | head -1`: then the rest is of no use. A server
// goes on: its clients are still there.
const log = openLog(
  (error) => {
    if (args[0] !== "serve") process.exit(error.code === "EPIPE" ? 0 : 1)
  },
  { isServing: args[0] === "serve" }
)

const dialects = Effect.tryPromise({
  try: () => loadDialects(process.env["PARLEY_DIALECTS"]),
  catch: (cause) =>
    cause instanceof NoSuchDialect
      ? cause
      : new NoSuchDialect({ message: `a protocol does not load: ${String(cause)}` })
}).pipe(Effect.tapError(({ message }) => Console.error(`parley: ${message}`)))

const exit = await Effect.runPromiseExit(
  Effect.flatMap(dialects, (loaded) => runCommandLine(makeCliContext(version, loaded), args)).pipe(
    Effect.provide([NodeServices.layer, log.layer])
  )
)
process.exitCode = Exit.match(exit, {
  onSuccess: () => 0,
  onFailure: (cause) => {
    const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
    // What was expected to go wrong has been said already. Help that nobody asked for by mistake is no failure.
    if (failure !== undefined) return failure._tag === "ShowHelp" && failure.errors.length === 0 ? 0 : 1
    if (Cause.hasInterruptsOnly(cause)) return 130
    log.complain(`parley: unexpected: ${String(Cause.squash(cause)).split("\n", 1)[0] ?? ""}`)
    return 70
  }
})
// Standard input would keep the process if it was read from; what was written goes out first.
process.stdin.unref?.()
