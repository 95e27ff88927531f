/**
 * One process at a time has a database: a store, or a command of the operator.
 *
 * The lock is an exclusive transaction on a small database of its own, `<file>.lock`. The operating system ends it with
 * the process, however that ends, so nothing is left behind that somebody would have to remove.
 *
 * A second lock follows the database's inode (see `InodeLock`), for a file that is reached by two paths or whose first lock
 * was deleted. A file with several hard links is refused: SQLite finds its write-ahead log by the name it was opened by,
 * so that each name would show another state. Source: https://sqlite.org/howtocorrupt.html, "Multiple links to the same file".
 *
 * The holder's process id lies in `<file>.holder`. It must not lie in the lock's own file: POSIX drops a process's locks
 * on a file as soon as that process closes any handle of it, so nothing but SQLite may ever open that one.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DatabaseError } from "./DatabaseError.ts"
import * as InodeLock from "./internal/InodeLock.ts"
import { isBusy, errorText } from "./internal/sqliteError.ts"

/** Makes the folders that are missing, from the top; `recursive` would try for ever where there can be none. */
const makeFolders = (folder: string): void => {
  if (existsSync(folder)) return
  makeFolders(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/**
 * Makes the file, for this user alone, where it is missing. An existing one is left as it is and is not opened: closing it
 * would drop this process's locks on it. SQLite gives the files beside a database the database's own mode.
 */
const makePrivate = (path: string): void => {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (cause) {
    if (!existsSync(path)) throw cause
  }
}

/** The one name of a database file, whichever links lead to it. Makes the folders above it. */
const canonical = (file: string): string => {
  const path = resolve(file)
  if (existsSync(path)) return realpathSync(path)
  makeFolders(dirname(path))
  return join(realpathSync(dirname(path)), basename(path))
}

/** The process id that the holder has left, or "". */
const holderId = (path: string): string => {
  try {
    const pid = readFileSync(`${path}.holder`, "utf8").trim()
    return /^\d+$/.test(pid) ? pid : ""
  } catch {
    return ""
  }
}

const heldBy = (file: string, path: string): string => {
  const pid = holderId(path)
  return `The database ${file} is held by another Parley server${pid === "" ? "" : ` (process ${pid})`}.`
}

interface Held {
  readonly path: string
  readonly release: () => void
}

/** Takes the lock beside the database at `path`. */
const lockPath = (file: string, path: string): DatabaseSync => {
  let database: DatabaseSync
  try {
    makePrivate(`${path}.lock`)
    database = new DatabaseSync(`${path}.lock`, { timeout: 0 })
  } catch (cause) {
    throw new DatabaseError({ file, message: `The database ${file} cannot be opened: ${errorText(cause)}.` })
  }
  try {
    database.exec("BEGIN EXCLUSIVE")
    return database
  } catch (cause) {
    database.close()
    const message = isBusy(cause) ? heldBy(file, path) : `The database ${file} cannot be locked: ${errorText(cause)}.`
    throw new DatabaseError({ file, message })
  }
}

/** Takes the lock of the inode of the database at `path`, which it makes where it is missing. */
const lockInode = (file: string, path: string): (() => void) => {
  makePrivate(path)
  const found = statSync(path, { bigint: true })
  if (found.isFile() && found.nlink > 1n) {
    throw new DatabaseError({
      file,
      message: `The database ${file} has ${found.nlink} names (hard links), each of which would show another state of it; remove the others, or give the server a copy.`
    })
  }
  const release = InodeLock.acquire(found)
  if (release === undefined) throw new DatabaseError({ file, message: heldBy(file, path) })
  return release
}

const lock = (file: string): Held => {
  if (file === "" || file === ":memory:") {
    throw new DatabaseError({ file, message: "A database needs a file name; a store in memory is another adapter." })
  }
  let path: string
  try {
    path = canonical(file)
  } catch (cause) {
    throw new DatabaseError({ file, message: `The database ${file} cannot be opened: ${errorText(cause)}.` })
  }
  const database = lockPath(file, path)
  let releaseInode = (): void => {}
  try {
    releaseInode = lockInode(file, path)
    rmSync(`${path}.holder`, { force: true })
    writeFileSync(`${path}.holder`, `${process.pid}\n`, { mode: 0o600 })
  } catch (cause) {
    releaseInode()
    database.close()
    if (cause instanceof DatabaseError) throw cause
    throw new DatabaseError({ file, message: `The database ${file} cannot be locked: ${errorText(cause)}.` })
  }
  return {
    path,
    release: () => {
      // Not that of a process that holds another database, which has taken this one's place.
      if (holderId(path) === String(process.pid)) rmSync(`${path}.holder`, { force: true })
      releaseInode()
      database.close()
    }
  }
}

/**
 * Holds the database for this process until the scope closes, and answers the database file's absolute path. Makes the
 * file and the folders that are missing, for this user alone. Fails when another process, or another store of this one,
 * holds it, under whichever name.
 */
export const acquire = (file: string): Effect.Effect<string, DatabaseError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => lock(file),
      catch: (cause) =>
        cause instanceof DatabaseError ? cause : new DatabaseError({ file, message: errorText(cause) })
    }),
    ({ release }) => Effect.sync(release)
  ).pipe(Effect.map(({ path }) => path))
