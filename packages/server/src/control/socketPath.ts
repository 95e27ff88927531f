/**
 * Where the process that holds a database can be reached by the command line: a Unix domain socket beside the database
 * file, on Windows a named pipe.
 */
import { createHash } from "node:crypto"
import { lstatSync, mkdirSync, realpathSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { Misconfigured } from "../config/ConfigurationFile.ts"
import * as Effect from "effect/Effect"

/** A socket's path must fit in the 104 bytes of macOS (108 on Linux), its final zero included. */
const MAX_PATH_BYTES = 100

/**
 * The socket's path for the database in `file`. The same for every path to the same file, whether it exists yet or not.
 * Where the path would be too long, it is a name by hash in a folder that only this user can enter.
 */
export const controlAddress = (file: string): Effect.Effect<string, Misconfigured> =>
  Effect.suspend(() => {
    const absolute = canonical(resolve(file))
    const hash = createHash("sha256").update(absolute).digest("hex").slice(0, 32)
    if (process.platform === "win32") return Effect.succeed(`\\\\.\\pipe\\parley-${hash}`)
    const beside = `${absolute}.sock`
    if (Buffer.byteLength(beside) <= MAX_PATH_BYTES) return Effect.succeed(beside)
    const folder = join(tmpdir(), `parley-${userInfo().uid}`)
    return isOurs(folder)
      ? Effect.succeed(join(folder, `${hash}.sock`))
      : Effect.fail(new Misconfigured({ message: `${folder} must be a folder that only this user can enter` }))
  })

const canonical = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    const folder = dirname(path)
    return folder === path ? path : join(canonical(folder), basename(path))
  }
}

/** The folder for temporary files is everybody's: somebody else may have made ours first, to listen in. */
const isOurs = (folder: string): boolean => {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // It is there already, or cannot be made; what is there decides.
  }
  try {
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0
  } catch {
    return false
  }
}
