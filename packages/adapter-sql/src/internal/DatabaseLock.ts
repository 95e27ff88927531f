/**
 * Ensures that one process at a time uses a database: a store, or an operator's command.
 *
 * The lock is an exclusive transaction on a small database, `<file>.lock`. The operating system releases it when the
 * process ends for any reason, so no stale lock remains.
 *
 * A second lock covers the database's inode (see `InodeLock`), for files reachable by two paths and for deleted lock
 * files. Files with several hard links are refused: SQLite derives the name of the write-ahead log from the name used to
 * open the file, so each name would show a different state. Source: https://sqlite.org/howtocorrupt.html, "Multiple links to the same file".
 *
 * The holder's process id is in `<file>.holder`, not in the lock file: POSIX drops a process's locks on a file as soon
 * as the process closes any handle of it, so only SQLite may open the lock file.
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
import * as InodeLock from "./InodeLock.ts"
import { isBusy, errorText } from "./sqliteError.ts"

/** Creates missing folders from the top; `recursive` would loop forever where a folder cannot exist. */
const makeFolders = (folder: string): void => {
  if (existsSync(folder)) return
  makeFolders(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/**
 * Creates the file with mode 0600 if missing. An existing file is not opened: closing it would drop this process's locks
 * on it. SQLite gives `-wal` and `-shm` the mode of the database.
 */
const makePrivate = (path: string): void => {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (cause) {
    if (!existsSync(path)) throw cause
  }
}

/** Returns the real path of a database file. Creates the folders above it. */
const canonical = (file: string): string => {
  const path = resolve(file)
  if (existsSync(path)) return realpathSync(path)
  makeFolders(dirname(path))
  return join(realpathSync(dirname(path)), basename(path))
}

/** Returns the holder's process id, or "". */
const holderId = (path: string): string => {
  try {
    const pid = readFileSync(`${path}.holder`, "utf8").trim()
    return /^\d+$/.test(pid) ? pid : ""
  } catch {
    return ""
  }
}

/** A program that loads its modules again, such as a development server, opens the database twice. */
const heldBy = (file: string, path: string): string => {
  const pid = holderId(path)
  if (pid === String(process.pid)) {
    return `The database ${file} is open in this process already: close that engine first, or keep one engine when modules are loaded again.`
  }
  const holder = `another Parley server${pid === "" ? "" : ` (process ${pid})`}`
  return `The database ${file} is held by ${holder}, and a SQLite file serves one process: stop the other one, or use PostgreSQL for several.`
}

interface Held {
  readonly path: string
  readonly release: () => void
}

/** Acquires the lock beside the database at `path`. */
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

/** Acquires the lock of the database's inode. Creates the file at `path` if missing. */
const lockInode = (file: string, path: string): (() => void) => {
  makePrivate(path)
  const found = statSync(path, { bigint: true })
  if (found.isFile() && found.nlink > 1n) {
    throw new DatabaseError({
      file,
      message: `The database ${file} has ${found.nlink} names (hard links), each of which would show a different state; remove the other links, or use a copy.`
    })
  }
  const release = InodeLock.acquire(found)
  if (release === undefined) throw new DatabaseError({ file, message: heldBy(file, path) })
  return release
}

const lock = (file: string): Held => {
  if (file === "" || file === ":memory:") {
    throw new DatabaseError({
      file,
      message: "A database needs a file name; for a store in memory use @parley/adapter-memory."
    })
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
      // The file may belong to the holder of another database that now has this path.
      if (holderId(path) === String(process.pid)) rmSync(`${path}.holder`, { force: true })
      releaseInode()
      database.close()
    }
  }
}

/**
 * Holds the database for this process until the scope closes. Returns the absolute path of the database file. Creates
 * the file (0600) and missing folders (0700). Fails if another process or another store of this process holds it under
 * any name.
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
