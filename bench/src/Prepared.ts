/** A database with users and their sessions, made once and copied for each run. */
import { closeSync, cpSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { User } from "./generator/Plan.ts"
import { type Core, type Program, start } from "./Program.ts"
import { onDatabase, sessionsFor } from "./Seed.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

export interface Prepared {
  readonly users: ReadonlyArray<User>
  /** A fresh copy of the database; answers its path. */
  readonly copy: (name: string) => string
  /** Removes such a copy. */
  readonly discard: (name: string) => void
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

/** Runs an operator's command on a database of SQLite that no server has open. */
export const operate = async (file: string, args: ReadonlyArray<string>): Promise<void> => {
  await parley(undefined, [...args, "--database", `sqlite:${file}`]).output
}

export interface Serving {
  readonly program: Program
  readonly port: number
}

/** Starts a server; `where` has the flags of its data, `node` are options of Node itself. */
export const serveWith = async (
  core: Core,
  where: ReadonlyArray<string>,
  node: ReadonlyArray<string> = []
): Promise<Serving> => {
  // The generator has few senders, which are faster than people.
  const limits = ["messagesPerSecond", "messageBurst"].flatMap((name) => ["--set", `limits.${name}=1000000000`])
  const program = parley(core, ["serve", "--no-demo", "--port", "0", "--tcp-port", "off", ...limits, ...where], node)
  const [, port] = await program.until(/^listening http:\/\/[^:]+:(\d+)/m)
  return { program, port: Number(port) }
}

/** Starts a server on a database of SQLite; `node` are options of Node itself, `args` of the server. */
export const serve = (
  core: Core,
  file: string,
  node: ReadonlyArray<string> = [],
  args: ReadonlyArray<string> = []
): Promise<Serving> => serveWith(core, ["--database", `sqlite:${file}`, "--files", `${file}-files`, ...args], node)

const ENDINGS = ["", "-wal", "-shm", ".lock", "-files"]

/** The database and what lies beside it, in place of what is there. */
export const copyDatabase = (from: string, to: string): void => {
  removeDatabase(to)
  for (const end of ["", "-wal"]) {
    if (!existsSync(from + end)) continue
    cpSync(from + end, to + end)
    // On the disk now: what is measured next is not to wait for hundreds of MB to be written.
    const descriptor = openSync(to + end, "r+")
    fsyncSync(descriptor)
    closeSync(descriptor)
  }
}

export const removeDatabase = (file: string): void => {
  for (const end of ENDINGS) rmSync(file + end, { recursive: true, force: true })
}

/** The accounts of the benchmark's users. */
export const accountsOf = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `user${index}`)

/**
 * Makes a database of `count` users. The accounts come from `parley user import`, without passwords: hashing thousands of
 * those takes longer than everything that is measured. `organisation` returns that of a user by position.
 */
export const importUsers = async (
  file: string,
  count: number,
  organisation: (index: number) => number | "" = () => ""
): Promise<void> => {
  const csv = `${file}-users.csv`
  const rows = accountsOf(count).map((account, index) => `${account},,${organisation(index)}`)
  writeFileSync(csv, ["account,password,org", ...rows, ""].join("\n"))
  await operate(file, ["user", "import", "--create", csv])
  rmSync(csv)
  // The first start creates the system chat.
  const { program } = await serve(undefined, file)
  await program.stop()
  rmSync(`${file}-files`, { recursive: true, force: true })
  rmSync(`${file}.lock`, { force: true })
}

/** Copies of this database are made in the folder that it is in. */
export const preparedOf = (file: string, users: ReadonlyArray<User>): Prepared => {
  const place = (name: string): string => join(dirname(file), `${name}.db`)
  return {
    users,
    copy: (name) => {
      copyDatabase(file, place(name))
      return place(name)
    },
    discard: (name) => removeDatabase(place(name))
  }
}

/** A database of `count` users, of whom the first `online` have a session. */
export const prepare = async (folder: string, count: number, online: number): Promise<Prepared> => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, "prepared.db")
  await importUsers(file, count)
  return preparedOf(file, await onDatabase(file, (store) => sessionsFor(store, accountsOf(count), online)))
}
