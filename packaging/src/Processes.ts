/** Programs that run beside the tests, as a user's shell would run them. */
import { type ChildProcess, spawn } from "node:child_process"
import { delimiter, dirname } from "node:path"

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Started {
  readonly child: ChildProcess
  /** The first line of the output that matches; rejected if it ends without one. */
  readonly line: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

export interface Options {
  readonly cwd: string
  /** The Node that is found first; by default the one that runs this. */
  readonly node?: string
}

/**
 * Nothing of the workspace reaches a program: neither its `node_modules/.bin`, nor what package managers and test runners
 * leave in the environment. Settings of the registry stay.
 */
const environment = (node: string): NodeJS.ProcessEnv => {
  const foreign =
    /^(?:npm_(?!config_)|pnpm_|PARLEY_|VITEST|NODE_(?:ENV|OPTIONS|PATH|V8_COVERAGE|COMPILE_CACHE)$|TEST_REPETITIONS$|TEST$)/i
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"))
  return { ...Object.fromEntries(kept), PATH: [dirname(node), ...path].join(delimiter) }
}

/** Maximum run time of a program, in ms. */
const TIMEOUT = 200_000

export const start = (command: string, args: ReadonlyArray<string>, options: Options): Started => {
  const { cwd, node = process.execPath } = options
  const child = spawn(command, args, {
    cwd,
    env: environment(node),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIMEOUT,
    killSignal: "SIGKILL"
  })
  let [out, err] = ["", ""]
  const looks = new Set<() => void>()
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text
    for (const look of looks) look()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, out, err }))
  })
  return {
    child,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const lines = out.slice(0, out.lastIndexOf("\n") + 1)
          const found = lines.split("\n").flatMap((text) => {
            const match = pattern.exec(text)
            return match === null ? [] : [match]
          })
          if (found[0] !== undefined) resolve(found[0])
        }
        looks.add(look)
        look()
        ended.then(() => reject(new Error(`${command} ended without ${String(pattern)}:\n${out}${err}`)), reject)
      })
  }
}

/** Runs a program to its end, successful or not. */
export const run = (command: string, args: ReadonlyArray<string>, options: Options): Promise<Ended> =>
  start(command, args, options).ended

/** Runs a program that must succeed; returns its output. */
export const succeed = async (command: string, args: ReadonlyArray<string>, options: Options): Promise<string> => {
  const { code, out, err } = await run(command, args, options)
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} ended with ${code}:\n${out}${err}`)
  return out
}
