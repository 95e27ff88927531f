#!/usr/bin/env node
/** The program `parley`. */
import { readFileSync } from "node:fs"
import { setFlagsFromString } from "node:v8"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { makeCliContext } from "./cli/container.ts"
import { runCommandLine } from "./cli/program.ts"
import { loadDialects, NoSuchDialect } from "./protocols.ts"
import { openLog } from "./logging/ServerLog.ts"
import { nodeServices } from "./terminal/nodeServices.ts"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

/** Maximum milliseconds to wait for the end of a chat client's connection. */
const CLOSE_TIMEOUT = 1000

const args = process.argv.slice(2)

// Disables V8 allocation-site pretenuring, which decides by the first hundred objects of an allocation site. With a store
// that is slow at first, it treats messages in flight as long-lived: see docs/decisions/0016.
setFlagsFromString("--no-allocation-site-pretenuring")

// Stored data (messages, password hashes, files) is accessible to the server's user only.
process.umask(0o077)

// A command exits when its output is closed, as in `parley user list | head -1`. A server continues for its clients.
const log = openLog(
  (error) => {
    if (args[0] !== "serve") process.exit(error.code === "EPIPE" ? 0 : 1)
  },
  { isServing: args[0] === "serve" }
)

const dialects = Effect.tryPromise({
  try: () => loadDialects(process.env["PARLEY_DIALECTS"]),
  catch: (cause) =>
    cause instanceof NoSuchDialect ? cause : new NoSuchDialect({ message: `cannot load a protocol: ${String(cause)}` })
}).pipe(Effect.tapError(({ message }) => Console.error(`parley: ${message}`)))

const exit = await Effect.runPromiseExit(
  Effect.flatMap(dialects, (loaded) => runCommandLine(makeCliContext(version, loaded), args)).pipe(
    Effect.provide([nodeServices, log.layer])
  )
)
process.exitCode = Exit.match(exit, {
  onSuccess: () => 0,
  onFailure: (cause) => {
    const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
    // Expected errors are printed already. Requested help is a success.
    if (failure !== undefined) return failure._tag === "ShowHelp" && failure.errors.length === 0 ? 0 : 1
    if (Cause.hasInterruptsOnly(cause)) return 130
    log.printError(`parley: unexpected: ${String(Cause.squash(cause)).split("\n", 1)[0] ?? ""}`)
    return 70
  }
})
// Standard input would keep the process alive after it was read. No `process.exit`: output is flushed first.
process.stdin.unref?.()
// The server may never end the connection of `parley chat`.
if (args[0] === "chat") setTimeout(() => process.exit(), CLOSE_TIMEOUT).unref()
