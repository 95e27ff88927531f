/**
 * Address at which the command line reaches the process that holds a database: a Unix domain socket beside the database
 * file, or a named pipe on Windows. For a PostgreSQL database it reaches one of this machine's nodes.
 */
import { createHash } from "node:crypto"
import { lstatSync, mkdirSync, realpathSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { Misconfigured } from "../config/ConfigurationFile.ts"
import { displayDatabase, type Database } from "../config/ServeOptions.ts"
import * as Effect from "effect/Effect"

/** Maximum length of a socket's path: macOS allows 104 bytes, Linux 108, including the final zero. */
const MAX_PATH_BYTES = 100

/**
 * Returns the address for the database in `file`: the same for every path to the same file, even before it exists. If the
 * path is too long, the socket is in a temporary folder that only this user can enter, named by a hash.
 */
export const controlAddress = (file: string): Effect.Effect<string, Misconfigured> =>
  Effect.suspend(() => {
    const absolute = canonical(resolve(file))
    const beside = `${absolute}.sock`
    return process.platform !== "win32" && Buffer.byteLength(beside) <= MAX_PATH_BYTES
      ? Effect.succeed(beside)
      : hashedAddress(absolute)
  })

/** Returns the address for a database; for one on a server it is in the temporary folder. */
export const controlAddressOf = (database: StoredDatabase): Effect.Effect<string, Misconfigured> =>
  database._tag === "Sqlite" ? controlAddress(database.file) : hashedAddress(displayDatabase(database))

const hashedAddress = (name: string): Effect.Effect<string, Misconfigured> =>
  Effect.suspend(() => {
    const hash = createHash("sha256").update(name).digest("hex").slice(0, 32)
    if (process.platform === "win32") return Effect.succeed(`\\\\.\\pipe\\parley-${hash}`)
    const folder = join(tmpdir(), `parley-${userInfo().uid}`)
    return isOurs(folder)
      ? Effect.succeed(join(folder, `${hash}.sock`))
      : Effect.fail(new Misconfigured({ message: `${folder} must be a folder that only this user can enter` }))
  })

/** A database that outlives the process. */
export type StoredDatabase = Exclude<Database, { readonly _tag: "Memory" }>

const canonical = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    const folder = dirname(path)
    return folder === path ? path : join(canonical(folder), basename(path))
  }
}

/** Creates the folder, and checks its owner and mode: another user may have created it in the shared temporary folder. */
const isOurs = (folder: string): boolean => {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // Exists already, or cannot be created: checked below.
  }
  try {
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0
  } catch {
    return false
  }
}
