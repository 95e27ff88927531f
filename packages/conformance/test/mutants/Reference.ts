/** The reference server as a separate process, reached by its addresses: mutants alter its messages. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type Account, type Accounts, type Expiry, NotPrepared, staticAccounts } from "../../src/accounts/Accounts.ts"
import type { Target } from "../../src/transport/Target.ts"

/** Mutants fail to log in more often than the default limit permits. */
const unlimited = ["--set", "login.attempts=1000000"]

const main = join(import.meta.dirname, "../../../server/src/main.ts")

export interface Reference {
  readonly target: Target
  /** Sends a message to the process, and waits for its acknowledgement. */
  readonly tell: (message: string) => Promise<void>
  /** Accounts with the demo accounts for missing roles; their tokens can be expired. */
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

/** Starts the server with the demo users and storage in memory; `flags` are Node flags. */
export const reference = (...flags: ReadonlyArray<string>): Promise<Reference> => referenceOn("memory:", ...flags)

/** Starts the server with another database, in a folder that is removed with the server. */
export const referenceOn = async (database: string, ...flags: ReadonlyArray<string>): Promise<Reference> => {
  const folder = mkdtempSync(join(tmpdir(), "parley-reference-"))
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"))
  const args = ["serve", "--port", "0", "--tcp-port", "0", "--database", database, "--demo", ...unlimited]
  const child = spawn(process.execPath, [expiring, ...flags, main, ...args], {
    cwd: folder,
    env: Object.fromEntries(own),
    stdio: ["ignore", "pipe", "pipe", "ipc"]
  })
  // Also at the exit of the test process, which would leave the server running.
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
