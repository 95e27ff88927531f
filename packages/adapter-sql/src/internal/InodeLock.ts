/**
 * Locks a database by device and inode, so that every path to it shares the lock. It is an exclusive transaction on a
 * small database in a private folder below the temporary folder, and ends with the process.
 *
 * It complements the lock beside the database. It has no effect without such a folder, between processes with different
 * temporary folders (containers, systemd's `PrivateTmp`), and on Windows, where SQLite keeps open files from being
 * deleted or replaced.
 */
import { closeSync, lstatSync, mkdirSync, openSync, rmSync, statSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { isBusy } from "./sqliteError.ts"

/** Returns a folder only this user can enter, or undefined: another user may have created one of that name. */
const privateFolder = (): string | undefined => {
  const { uid } = userInfo()
  const folder = join(tmpdir(), `parley-${uid}`)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // It exists or cannot be created; the check below decides.
  }
  try {
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0 ? folder : undefined
  } catch {
    return undefined
  }
}

const NOTHING = (): void => {}

/** Attempts at a lock whose file the previous holder is removing. */
const ATTEMPTS = 10

/** Whether `path` is still the file that `before` describes. */
const isSame = (path: string, before: bigint): boolean =>
  statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === before

/** Acquires the lock of the file. Returns a function that releases it, or undefined if it is held. */
export const acquire = ({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): (() => void) | undefined => {
  const folder = process.platform === "win32" ? undefined : privateFolder()
  if (folder === undefined) return NOTHING
  const path = join(folder, `${dev}-${ino}.lock`)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let database: DatabaseSync
    let made: bigint | undefined
    try {
      // Only SQLite opens an existing file: closing it would drop this process's lock on it.
      closeSync(openSync(path, "wx", 0o600))
    } catch {
      // It exists or the folder is read-only.
    }
    try {
      made = statSync(path, { bigint: true }).ino
      database = new DatabaseSync(path, { timeout: 0 })
    } catch {
      return NOTHING
    }
    try {
      database.exec("BEGIN EXCLUSIVE")
    } catch (cause) {
      database.close()
      return isBusy(cause) ? undefined : NOTHING
    }
    if (isSame(path, made)) {
      return () => {
        // Before the release, so that no other process locks a file without a name.
        rmSync(path, { force: true })
        database.close()
      }
    }
    database.close()
  }
  return NOTHING
}
