/** The reference server as a process of its own, known by its addresses only: the good one that mutants are made of. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type Account, type Accounts, type Expiry, NotPrepared, staticAccounts } from "../../src/accounts/Accounts.ts"
import type { Target } from "../../src/transport/Target.ts"

/** A mutant fails to log in more often than anybody may. */
const unlimited = ["--set", "login.attempts=1000000"]

const main = join(import.meta.dirname, "../../../server/src/main.ts")

export interface Reference {
  readonly target: Target
  /** Tells the process something, and waits until it says that it has heard. */
  readonly tell: (message: string) => Promise<void>
  /** These accounts, the demonstration's users for those that are not given; their tokens can be let expire. */
  readonly accounts: (known?: { readonly [role: string]: Account }) => Accounts
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

const expiring = `--import=${new URL("Expiring.ts", import.meta.url).href}`

/** Starts it with the demonstration's users and everything in memory; `flags` are Node's own. */
export const reference = (...flags: ReadonlyArray<string>): Promise<Reference> => referenceOn("memory:", ...flags)

/** The same with another database; a file is looked for in a folder that ends with the server. */
export const referenceOn = async (database: string, ...flags: ReadonlyArray<string>): Promise<Reference> => {
  const folder = mkdtempSync(join(tmpdir(), "parley-reference-"))
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"))
  const args = ["serve", "--port", "0", "--tcp-port", "0", "--database", database, "--demo", ...unlimited]
  const child = spawn(process.execPath, [expiring, ...flags, main, ...args], {
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
  const asked = (message: string | { readonly expire: string }) =>
    new Promise<unknown>((resolve, reject) => {
      child.once("message", resolve)
      child.send(message, (error) => (error === null ? undefined : reject(error)))
    })
  const tell = async (message: string) => void (await asked(message))
  const expiry: Expiry = (token) =>
    Effect.promise(() => asked({ expire: token })).pipe(
      Effect.flatMap((answer) => {
        const done = typeof answer === "object" && answer !== null && "expired" in answer && answer.expired === true
        return done ? Effect.void : Effect.fail(new NotPrepared({ message: "there is no session of this token" }))
      })
    )
  const accounts = (known: { readonly [role: string]: Account } = {}) =>
    staticAccounts(known).pipe(Effect.map((provider) => ({ ...provider, expiry })))
  return { tell, accounts, target: { http, tcp, ws: `${http.replace(/^http/, "ws")}/ws` }, close }
}
