/**
 * The lock of a database by its device and inode: the same for every path to it. It is an exclusive transaction on a small
 * database in a folder of this user's in the folder for temporary files, and ends with the process.
 *
 * It is an addition to the lock beside the database, and does not work where there is no such folder, nor between
 * processes that see different ones (containers, systemd's `PrivateTmp`). On Windows there is none: SQLite itself keeps
 * an open file from being deleted or replaced there.
 */
import { closeSync, lstatSync, mkdirSync, openSync, rmSync, statSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { isBusy } from "./sqliteError.ts"

/** A folder that nobody else can enter, or undefined: others may have made one of that name to have a say in it. */
const privateFolder = (): string | undefined => {
  const { uid } = userInfo()
  const folder = join(tmpdir(), `parley-${uid}`)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // It exists, or cannot be made; what is found decides.
  }
  try {
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0 ? folder : undefined
  } catch {
    return undefined
  }
}

const NOTHING = (): void => {}

/** Attempts to take a lock whose file its previous holder is just removing. */
const ATTEMPTS = 10

/** Whether `path` is still the file that `before` describes. */
const isSame = (path: string, before: bigint): boolean =>
  statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === before

/** Takes the lock of the file and returns what releases it, or undefined where somebody holds it. */
export const acquire = ({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): (() => void) | undefined => {
  const folder = process.platform === "win32" ? undefined : privateFolder()
  if (folder === undefined) return NOTHING
  const path = join(folder, `${dev}-${ino}.lock`)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let database: DatabaseSync
    let made: bigint | undefined
    try {
      // Never opened but by SQLite where it exists: closing it would drop this process's lock on it.
      closeSync(openSync(path, "wx", 0o600))
    } catch {
      // It exists, or the folder cannot be written to.
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
        // Before it is released, so that nobody takes a lock that has no name any more.
        rmSync(path, { force: true })
        database.close()
      }
    }
    database.close()
  }
  return NOTHING
}
