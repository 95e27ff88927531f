/** Processes of the benchmark: servers on core 0, the generator on core 1, where `taskset` can put them there. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { availableParallelism } from "node:os"

/** Milliseconds that a server has to end by itself. */
const GRACE = 20_000

/** Whether processes can be kept on a core. */
export const pinning = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0

export type Core = 0 | 1 | undefined

export interface Program {
  readonly child: ChildProcess
  readonly pid: number
  /** Everything on standard output, once it has ended well; rejects with its standard error otherwise. */
  readonly output: Promise<string>
  /** The first line of standard output that matches. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>
  /** Asks it to end, and waits for that. */
  readonly stop: () => Promise<void>
}

/** Runs Node with these arguments. Nothing of the user's own Parley settings reaches it. */
export const start = (core: Core, args: ReadonlyArray<string>, input = ""): Program => {
  const command = [process.execPath, ...args]
  const [file = "", ...rest] = core === undefined || !pinning ? command : ["taskset", "-c", String(core), ...command]
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"))
  const child = spawn(file, rest, { env: { ...Object.fromEntries(inherited), NODE_NO_WARNINGS: "1" } })
  let [out, err] = ["", ""]
  const watchers = new Set<() => void>()
  const wake = (): void => {
    for (const look of watchers) look()
  }
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text
    wake()
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
  child.stdin.on("error", () => {})
  child.stdin.end(input)
  const closed = new Promise<number | null>((resolve) => {
    child.on("error", (error) => {
      err += error.message
      resolve(null)
    })
    child.on("close", resolve)
  })
  const output = closed.then((code) => {
    wake()
    if (code !== 0) throw new Error(`${command.slice(1).join(" ")} ended with ${code}:\n${err.slice(-2000)}`)
    return out
  })
  // Only a server's first line is awaited; its exit does not matter then.
  output.catch(() => {})
  return {
    child,
    pid: child.pid ?? 0,
    output,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(out)
          if (found === null) return
          watchers.delete(look)
          resolve(found)
        }
        watchers.add(look)
        look()
        output.then(
          () => reject(new Error(`${command.join(" ")} ended without ${String(pattern)}:\n${out}\n${err}`)),
          reject
        )
      }),
    stop: async () => {
      child.kill("SIGTERM")
      const timer = setTimeout(() => child.kill("SIGKILL"), GRACE)
      await closed
      clearTimeout(timer)
    }
  }
}
