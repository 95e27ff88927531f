/** The reference server as a process of its own, known by its addresses only: the good one that mutants are made of. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Target } from "../../src/Target.ts"

/** A mutant fails to log in more often than anybody may. */
const unlimited = ["--set", "login.attempts=1000000"]

const main = join(import.meta.dirname, "../../../server/src/main.ts")

export interface Reference {
  readonly target: Target
  /** Tells the process something, and waits until it says that it has heard. */
  readonly tell: (message: string) => Promise<void>
  readonly close: () => Promise<void>
}

const listening = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let [out, err] = ["", ""]
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text))
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text
      const line = /^listening .*$/m.exec(out)?.[0]
      if (line !== undefined) resolve(line)
    })
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${out}${err}`)))
  })

/** Starts it with the demonstration's users and everything in memory; `flags` are Node's own. */
export const reference = async (...flags: ReadonlyArray<string>): Promise<Reference> => {
  const folder = mkdtempSync(join(tmpdir(), "parley-reference-"))
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"))
  const args = ["serve", "--port", "0", "--tcp-port", "0", "--database", "memory:", "--demo", ...unlimited]
  const child = spawn(process.execPath, [...flags, main, ...args], {
    cwd: folder,
    env: Object.fromEntries(own),
    stdio: ["ignore", "pipe", "pipe", "ipc"]
  })
  // Also where a test ends without a word: nobody else would.
  const orphaned = () => void child.kill("SIGKILL")
  process.once("exit", orphaned)
  const ended = new Promise<void>((done) => child.once("exit", () => done()))
  const close = async () => {
    process.off("exit", orphaned)
    child.kill("SIGKILL")
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const line = await listening(child)
  const [, http = "", tcp = ""] = /^listening (http:\S+) (tcp:\S+)/.exec(line) ?? []
  const tell = (message: string) =>
    new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve())
      child.send(message, (error) => (error === null ? undefined : reject(error)))
    })
  return { tell, target: { http, tcp, ws: `${http.replace(/^http/, "ws")}/ws` }, close }
}
