/**
 * One process at a time has a database: a store, or a command of the operator.
 *
 * The lock is an exclusive transaction on a small database of its own, `<file>.lock`. The operating system ends it with
 * the process, however that ends, so nothing is left behind that somebody would have to remove.
 *
 * The holder's process id lies in `<file>.holder`. It must not lie in the lock's own file: POSIX drops a process's locks
 * on a file as soon as that process closes any handle of it, so nothing but SQLite may ever open that one.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DatabaseRefused } from "./DatabaseRefused.ts"
import { isBusy, sentence } from "./sqlite/Failure.ts"

/** Makes the folders that are missing, from the top; `recursive` would try for ever where there can be none. */
const makeFolders = (folder: string): void => {
  if (existsSync(folder)) return
  makeFolders(dirname(folder))
  mkdirSync(folder)
}

/** The one name of a database file, whichever links lead to it. Makes the folders above it. */
const canonical = (file: string): string => {
  const path = resolve(file)
  if (existsSync(path)) return realpathSync(path)
  makeFolders(dirname(path))
  return join(realpathSync(dirname(path)), basename(path))
}

const holder = (path: string): string => {
  try {
    const pid = readFileSync(`${path}.holder`, "utf8").trim()
    return /^\d+$/.test(pid) ? ` (process ${pid})` : ""
  } catch {
    return ""
  }
}

const lock = (file: string): { readonly path: string; readonly database: DatabaseSync } => {
  if (file === "" || file === ":memory:") {
    throw new DatabaseRefused({ file, message: "A database needs a file name; a store in memory is another adapter." })
  }
  let path: string
  let database: DatabaseSync
  try {
    path = canonical(file)
    database = new DatabaseSync(`${path}.lock`, { timeout: 0 })
  } catch (cause) {
    throw new DatabaseRefused({ file, message: `The database ${file} cannot be opened: ${sentence(cause)}.` })
  }
  try {
    database.exec("BEGIN EXCLUSIVE")
    writeFileSync(`${path}.holder`, `${process.pid}\n`)
  } catch (cause) {
    database.close()
    const message = isBusy(cause)
      ? `The database ${file} is held by another Parley server${holder(path)}.`
      : `The database ${file} cannot be locked: ${sentence(cause)}.`
    throw new DatabaseRefused({ file, message })
  }
  return { path, database }
}

/**
 * Holds the database for this process until the scope closes, and answers the database file's absolute path. Makes the
 * folders that are missing. Fails when another process, or another store of this one, holds it.
 */
export const acquire = (file: string): Effect.Effect<string, DatabaseRefused, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => lock(file),
      catch: (cause) =>
        cause instanceof DatabaseRefused ? cause : new DatabaseRefused({ file, message: sentence(cause) })
    }),
    ({ database, path }) =>
      Effect.sync(() => {
        rmSync(`${path}.holder`, { force: true })
        database.close()
      })
  ).pipe(Effect.map(({ path }) => path))
