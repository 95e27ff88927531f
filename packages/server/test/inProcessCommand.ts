/** `parley` in the process of the test, for commands that end by themselves: it starts in a tenth of the CPU time. */
import { Cause, Console, Effect, Exit, Logger, Option } from "effect"
import { format } from "node:util"
import { makeCliContext } from "../src/cli/container.ts"
import { runCommandLine } from "../src/cli/program.ts"
import { loadDialects } from "../src/protocols.ts"
import { nodeServices } from "../src/terminal/nodeServices.ts"
import type { Ended } from "./serverProcess.ts"

const dialects = await loadDialects()

/** `serve` keeps listeners of these until its process ends, even if it is refused. */
const SIGNALS = ["SIGTERM", "SIGINT"] as const

/** Changes the working directory and the environment of this process until the scope closes; then removes new listeners. */
const within = (cwd: string, environment: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const listeners = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const)
      const before = { cwd: process.cwd(), environment: { ...process.env }, listeners }
      process.chdir(cwd)
      for (const name of Object.keys(process.env)) if (name.startsWith("PARLEY_")) delete process.env[name]
      Object.assign(process.env, environment)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        process.chdir(before.cwd)
        for (const name of Object.keys(process.env)) if (!(name in before.environment)) delete process.env[name]
        Object.assign(process.env, before.environment)
        for (const [signal, earlier] of before.listeners)
          for (const listener of process.listeners(signal))
            if (!earlier.includes(listener)) process.off(signal, listener)
      })
  )

/** Runs `parley` with these arguments in this folder, without standard input. */
export const runInProcess = Effect.fnUntraced(function* (
  cwd: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {}
): Effect.fn.Return<Ended> {
  let [out, err] = ["", ""]
  const captured: Console.Console = Object.assign(Object.create(globalThis.console) as Console.Console, {
    log: (...values: ReadonlyArray<unknown>) => void (out += `${format(...values)}\n`),
    error: (...values: ReadonlyArray<unknown>) => void (err += `${format(...values)}\n`)
  })
  const exit = yield* Effect.scoped(
    Effect.andThen(within(cwd, environment), runCommandLine(makeCliContext("0.0.0", dialects), args))
  ).pipe(
    Effect.provideService(Console.Console, captured),
    Effect.provide([nodeServices, Logger.layer([])]),
    Effect.exit
  )
  const code = Exit.match(exit, {
    onSuccess: () => 0,
    onFailure: (cause) => {
      const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
      return failure === undefined ? 70 : failure._tag === "ShowHelp" && failure.errors.length === 0 ? 0 : 1
    }
  })
  return { code, out, err }
})
