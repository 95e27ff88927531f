/** One `parley serve` of the cluster, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** The program `parley`, as sources. */
export const MAIN = fileURLToPath(new URL("../../packages/server/src/main.ts", import.meta.url))

/** Node keeps compiled code here: nodes start often. */
const NODE_COMPILE_CACHE = join(tmpdir(), "parley-chaos-compiled")

/** Milliseconds until a node must listen. */
const START_TIMEOUT = 240_000
const MAX_STARTS = 8
const UNREACHABLE = /the database is unreachable|cannot be (?:used|reached): Connection closed/

/** Milliseconds for a request of `/readyz`. */
const PROBE_TIMEOUT = 2_000

interface LogLine {
  readonly message: unknown
  readonly level: string
}

export class ServerNode {
  readonly name: string
  readonly #folder = mkdtempSync(join(tmpdir(), "parley-chaos-"))
  readonly #program: string
  readonly #args: ReadonlyArray<string>
  #child: ChildProcess | undefined
  /** Addresses that it printed last; a restarted node has others. */
  http = ""
  tcp = ""
  /** Lines of its log above level Info, by text. */
  readonly complaints = new Map<string, number>()

  /** `program` is the file of `parley`. */
  constructor(name: string, program: string, args: ReadonlyArray<string>) {
    this.name = name
    this.#program = program
    this.#args = args
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /**
   * Starts it, as a supervisor does: again if it ends because its database did not reply in time, on a busy machine. Rejects with its
   * log if it ends for another reason.
   */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#launch()
      } catch (cause) {
        if (attempt === MAX_STARTS || !UNREACHABLE.test(String(cause))) throw cause
        this.#complain("started again, since the database did not reply in time")
      }
    }
  }

  /** Returns when it listens. */
  async #launch(): Promise<void> {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"))
    const args = [this.#program, "serve", "--demo", "--port", "0", "--tcp-port", "0", ...this.#args]
    const env = { NODE_COMPILE_CACHE, ...Object.fromEntries(inherited) }
    const child = spawn(process.execPath, args, { cwd: this.#folder, env })
    this.#child = child
    let [out, err] = ["", ""]
    child.stdout.setEncoding("utf8")
    child.stderr.setEncoding("utf8")
    await new Promise<void>((resolve, reject) => {
      const fail = (problem: string): void => reject(new Error(`${this.name} ${problem}:\n${err.slice(-3000)}`))
      const timer = setTimeout(() => fail("does not listen"), START_TIMEOUT)
      child.stdout.on("data", (text: string) => {
        out += text
        const [, http, tcp] = /^listening (http:\S+) (tcp:\S+)$/m.exec(out) ?? []
        if (http === undefined || tcp === undefined) return
        clearTimeout(timer)
        this.http = http
        this.tcp = tcp
        resolve()
      })
      let rest = ""
      child.stderr.on("data", (text: string) => {
        err = (err + text).slice(-10_000)
        const lines = (rest + text).split("\n")
        rest = lines.pop() ?? ""
        for (const line of lines) this.#complain(line)
      })
      child.once("exit", () => {
        clearTimeout(timer)
        if (this.#child === child) this.#child = undefined
        fail("has ended")
      })
    })
  }

  #complain(line: string): void {
    if (!line.startsWith("{")) {
      if (line !== "") this.complaints.set(line, (this.complaints.get(line) ?? 0) + 1)
      return
    }
    const { level, message } = JSON.parse(line) as LogLine
    if (level === "INFO" || String(message).startsWith("DEMONSTRATION")) return
    const text = `${level} ${typeof message === "string" ? message : JSON.stringify(message)}`.slice(0, 300)
    this.complaints.set(text, (this.complaints.get(text) ?? 0) + 1)
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** Ends it by SIGKILL, or as an operator does by SIGTERM; waits for its end. */
  async end(name: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    child.kill(name)
    await ended
    this.#child = undefined
  }

  async isReady(): Promise<boolean> {
    if (this.#child === undefined) return false
    try {
      const response = await fetch(`${this.http}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT) })
      await response.body?.cancel()
      return response.status === 200
    } catch {
      return false
    }
  }

  /** Waits until `/readyz` returns 200. */
  async untilReady(timeout: number): Promise<void> {
    for (const deadline = Date.now() + timeout; !(await this.isReady());) {
      if (Date.now() > deadline) throw new Error(`${this.name} is not ready after ${timeout} ms`)
      await sleep(100)
    }
  }

  async discard(): Promise<void> {
    this.signal("SIGCONT")
    await this.end("SIGKILL")
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
