/**
 * A database with users and their sessions, made once and copied for each run: hashing passwords takes longer than
 * everything that is measured.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { User } from "./generator/Plan.ts"
import { idsOf, logIn } from "./generator/XuanxuanClient.ts"
import { type Core, type Program, start } from "./Program.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const PASSWORD = "a password for all of them"

export interface Prepared {
  readonly users: ReadonlyArray<User>
  /** A fresh copy of the database; answers its path. */
  readonly copy: (name: string) => string
}

/** Starts `parley` as a user would, from source. */
const parley = (core: Core, args: ReadonlyArray<string>, node: ReadonlyArray<string> = []): Program =>
  start(core, [
    ...node,
    "--import",
    join(ROOT, "scripts/node-check.mjs"),
    join(ROOT, "packages/server/src/main.ts"),
    ...args
  ])

export interface Serving {
  readonly program: Program
  readonly port: number
}

/** `node` are options of Node itself. */
export const serve = async (core: Core, file: string, node: ReadonlyArray<string> = []): Promise<Serving> => {
  const where = ["--database", `sqlite:${file}`, "--files", `${file}-files`]
  const program = parley(core, ["serve", "--no-demo", "--port", "0", "--tcp-port", "off", ...where], node)
  const [, port] = await program.until(/^listening http:\/\/[^:]+:(\d+)/m)
  return { program, port: Number(port) }
}

/** Makes `count` users, of whom the first `online` are logged in. */
export const prepare = async (folder: string, count: number, online: number): Promise<Prepared> => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, "prepared.db")
  const accounts = Array.from({ length: count }, (_, index) => `user${index}`)
  const csv = join(folder, "users.csv")
  writeFileSync(csv, ["account,password", ...accounts.map((account) => `${account},${PASSWORD}`), ""].join("\n"))
  await parley(undefined, ["user", "import", "--database", `sqlite:${file}`, csv]).output
  const { program, port } = await serve(undefined, file)
  try {
    const sessions = await logIn(port, accounts.slice(0, online), PASSWORD)
    // A group names its members by their ids, and those who never log in have one too.
    const known = new Map(sessions.map((user) => [user.account, user]))
    const ids = await idsOf(port, sessions[0]?.sid ?? "")
    const users = accounts.map((account) => known.get(account) ?? { account, id: ids.get(account) ?? 0, sid: "" })
    return {
      users,
      copy: (name) => {
        const copy = join(folder, `${name}.db`)
        for (const end of ["", "-wal"]) if (existsSync(file + end)) cpSync(file + end, copy + end)
        return copy
      }
    }
  } finally {
    await program.stop()
  }
}
