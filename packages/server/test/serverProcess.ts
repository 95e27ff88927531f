/** Runs the program `parley` in a separate process and folder. */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { serverBundle } from "../../../scripts/serverBundle.ts"

/** The program's sources, for tests of them, or with a protocol that has its own copy of Effect's modules. */
export const SOURCES = fileURLToPath(new URL("../src/main.ts", import.meta.url))

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-program-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Program {
  readonly child: ChildProcess
  readonly type: (line: string) => Effect.Effect<void>
  /** Waits for the next matching line of standard output after the last call's. Fails if the process has ended. */
  readonly until: (pattern: RegExp) => Effect.Effect<string, string>
  /** Standard error so far. */
  readonly err: () => string
  readonly ended: Effect.Effect<Ended>
}

/** Returns the log lines above level Info, without the demonstration's: a healthy server has none. */
export const complaintsIn = (err: string): ReadonlyArray<string> =>
  err.split("\n").filter((line) => line !== "" && !/"level":"INFO"|"message":"DEMONSTRATION/.test(line))

/** Starts `parley`, from a bundle unless `main` is another module; kills it when the scope closes. */
export const start = (
  cwd: string,
  args: ReadonlyArray<string>,
  environment: Record<string, string> = {},
  main: string | Promise<string> = serverBundle()
) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Program> => {
      const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"))
      const child = spawn(process.execPath, [await main, ...args], {
        cwd,
        env: { ...Object.fromEntries(inherited), ...environment }
      })
      let [out, err, read] = ["", "", 0]
      const waiting = new Set<() => void>()
      const wake = () => {
        for (const check of waiting) check()
      }
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text
        wake()
      })
      child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
      let code: number | null | undefined
      child.on("close", (ended) => {
        code = ended
        wake()
      })
      const wait = <A, E>(check: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> =>
        Effect.callback((resume) => {
          const recheck = () => {
            const found = check()
            if (found === undefined) return
            waiting.delete(recheck)
            resume(found)
          }
          waiting.add(recheck)
          recheck()
          return Effect.sync(() => void waiting.delete(recheck))
        })
      return {
        child,
        type: (line) => Effect.sync(() => void child.stdin.write(`${line}\n`)),
        until: (pattern) =>
          wait(() => {
            for (let end = out.indexOf("\n", read); end >= 0; end = out.indexOf("\n", read)) {
              const line = out.slice(read, end)
              read = end + 1
              if (pattern.test(line)) return Effect.succeed(line)
            }
            return code === undefined ? undefined : Effect.fail(`ended without ${String(pattern)}:\n${out}\n${err}`)
          }),
        err: () => err,
        ended: wait(() => (code === undefined ? undefined : Effect.succeed({ code, out, err })))
      }
    }),
    ({ child, ended }) =>
      Effect.suspend(() => {
        child.kill("SIGKILL")
        return ended
      })
  )

/** Runs `parley` to its end with this standard input. */
export const run = Effect.fnUntraced(function* (
  cwd: string,
  args: ReadonlyArray<string>,
  input = "",
  environment: Record<string, string> = {},
  main?: string
) {
  const program = yield* start(cwd, args, environment, main)
  program.child.stdin?.end(input)
  return yield* program.ended
}, Effect.scoped)

/** Starts a server on free ports, with the demonstration unless the arguments contain `--no-demo`; returns when it is ready. */
export const serve = Effect.fnUntraced(function* (cwd: string, ...args: ReadonlyArray<string>) {
  const demo = args.includes("--no-demo") || args.includes("--demo") ? [] : ["--demo"]
  const program = yield* start(cwd, ["serve", "--port", "0", "--tcp-port", "0", ...demo, ...args])
  const line = yield* program.until(/^listening /)
  const [, http = "", tcp = ""] = /^listening (http:\S+)(?: (tcp:\S+))?$/.exec(line) ?? []
  return { ...program, line, http, tcp }
})
