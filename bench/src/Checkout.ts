/** A server of this checkout or of another one, so that a script shows what was before a change and what is after it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { type Program, start } from "./Program.ts"

const HERE = fileURLToPath(new URL("../..", import.meta.url))

export interface Server {
  readonly program: Program
  readonly port: number
  readonly http: string
  /** All of its log. */
  readonly log: () => string
}

export interface Checkout {
  /** The database of its servers. */
  readonly database: string
  /** Starts a server with the demonstration. */
  readonly serve: (...args: ReadonlyArray<string>) => Promise<Server>
  /** Kills its servers and removes their files. */
  readonly discard: () => void
}

/** The checkout at `path`, by default this one. */
export const checkout = (path: string | undefined): Checkout => {
  const main = join(path === undefined ? HERE : resolve(path), "packages/server/src/main.ts")
  const folder = mkdtempSync(join(tmpdir(), "parley-attack-"))
  const database = join(folder, "parley.db")
  const programs: Array<Program> = []
  return {
    database,
    serve: async (...args) => {
      const where = ["--database", `sqlite:${database}`, "--files", join(folder, "files")]
      const program = start(undefined, [main, "serve", "--demo", "--port", "0", "--tcp-port", "off", ...where, ...args])
      programs.push(program)
      let log = ""
      program.child.stderr?.on("data", (text: string) => (log += text))
      const [, http = "", port] = await program.until(/^listening (http:\/\/\S+:(\d+))$/m)
      return { program, http, port: Number(port), log: () => log }
    },
    discard: () => {
      for (const { child } of programs) child.kill("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** The response to a JSON request, and its body where that is JSON. */
export const post = async (url: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
  const headers = { "content-type": "application/json" }
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {} }
}

/** The token of a user of the demonstration. */
export const tokenOf = async (http: string, account: string): Promise<string> =>
  String((await post(`${http}/auth/login`, { account, password: "123456" })).body["token"])
