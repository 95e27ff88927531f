/**
 * Detects that the database's files were deleted or replaced while open. SQLite would keep writing to the open files,
 * which are no longer reachable by their paths.
 */
import { statSync } from "node:fs"
import { dirname } from "node:path"

/** `-shm` holds no data, but a second process that makes a new one no longer shares locks with this one. */
const SUFFIXES = ["", "-wal", "-shm"] as const

/** The device and inode of the file at `path`, or undefined where there is none. */
const identity = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}

/**
 * Milliseconds after which a directory's change time is conclusive: a later change then has a later time, even on file
 * systems with a resolution of one second.
 */
const CONCLUSIVE_AFTER = 3000

/** Milliseconds between two checks of the paths themselves: a mount over a path does not change the directory. */
const PATHS_CHECK = 1000

/** A directory when it was checked. Deleting, renaming or replacing a file in it changes `changedAt`, which cannot be set. */
interface Directory {
  readonly device: bigint
  readonly inode: bigint
  /** Nanoseconds since 1970. */
  readonly changedAt: bigint
}

const directoryAt = (path: string): Directory | undefined => {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return found === undefined ? undefined : { device: found.dev, inode: found.ino, changedAt: found.ctimeNs }
  } catch {
    return undefined
  }
}

/** A file that is no longer at its path. */
export interface Displaced {
  readonly path: string
  /** Whether another file is at the path now. */
  readonly isReplaced: boolean
  /** Whether it is the database file itself, so that no checkpoint can reach it. */
  readonly isMain: boolean
}

/** Returns a description without a full stop. */
export const displacedText = ({ isReplaced, path }: Displaced): string =>
  `the file ${path} was ${isReplaced ? "replaced" : "deleted"} while the database was open`

/** The failure of every write after the displacement. */
export class DatabaseDisplaced extends Error {
  override readonly name = "DatabaseDisplaced"
}

export class OpenFiles {
  readonly #files: ReadonlyArray<{ readonly path: string; readonly identity: string; readonly isMain: boolean }>
  readonly #directory: string
  /** Milliseconds since 1970. */
  readonly #now: () => number
  /** The directory at the last check of the paths, if its change time was conclusive. */
  #lastConclusive: Directory | undefined
  /** When its change time is conclusive; milliseconds since 1970. */
  #conclusiveAt = 0
  #pathsCheckedAt = performance.now()
  #checkedAt = performance.now()
  #displaced: Displaced | undefined

  /** Records the open files. A connection must just have read from the database at `path`. */
  constructor(path: string, now: () => number = Date.now) {
    this.#now = now
    this.#directory = dirname(path)
    this.#files = SUFFIXES.flatMap((suffix) => {
      const found = identity(path + suffix)
      return found === undefined ? [] : [{ path: path + suffix, identity: found, isMain: suffix === "" }]
    })
  }

  /** The first displaced file, permanently: a file that returns may lack later writes. */
  get displaced(): Displaced | undefined {
    return this.#displaced
  }

  /**
   * Checks the directory, and the paths too if it has changed: one or four calls of `stat`. A path that cannot be read
   * counts as deleted.
   */
  check(): Displaced | undefined {
    if (this.#displaced !== undefined) return this.#displaced
    const now = performance.now()
    this.#checkedAt = now
    if (now - this.#pathsCheckedAt < PATHS_CHECK && this.#isUnchanged()) return undefined
    this.#pathsCheckedAt = now
    // Before the paths: a change after this check is seen by the next one.
    const directory = this.#settledDirectory()
    for (const { identity: opened, isMain, path } of this.#files) {
      const found = this.#look(path)
      if (found !== opened) return (this.#displaced = { path, isReplaced: found !== undefined, isMain })
    }
    this.#lastConclusive = directory
    return undefined
  }

  /** Checks if the last check is more than `age` milliseconds old. */
  checkOlderThan(age: number): Displaced | undefined {
    return this.#displaced ?? (performance.now() - this.#checkedAt > age ? this.check() : undefined)
  }

  /** Whether the directory has not changed since the last check of the paths. */
  #isUnchanged(): boolean {
    const before = this.#lastConclusive
    if (before === undefined) return false
    const now = directoryAt(this.#directory)
    return (
      now !== undefined &&
      now.changedAt === before.changedAt &&
      now.inode === before.inode &&
      now.device === before.device
    )
  }

  /** Returns the directory, unless it changed so recently that another change could have the same time. */
  #settledDirectory(): Directory | undefined {
    const now = this.#now()
    // SQLite keeps Windows from deleting or replacing an open file.
    if (process.platform === "win32" || (now < this.#conclusiveAt && now > this.#conclusiveAt - CONCLUSIVE_AFTER))
      return undefined
    const found = directoryAt(this.#directory)
    if (found === undefined) return undefined
    this.#conclusiveAt = Number(found.changedAt / 1_000_000n) + CONCLUSIVE_AFTER
    return now > this.#conclusiveAt ? found : undefined
  }

  #look(path: string): string | undefined {
    try {
      return identity(path)
    } catch {
      return undefined
    }
  }
}
