/**
 * Detects that the database's files were deleted or replaced while they are open. SQLite goes on writing to the files it
 * has open, which nobody finds any more at their paths.
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
 * Milliseconds after which a directory's change time is conclusive: a later change has a later time then, also on file
 * systems that keep seconds only.
 */
const SETTLED = 3000

/** Milliseconds between two looks at the paths themselves: what is mounted over a path changes no directory. */
const PATHS_CHECK = 1000

/** What a directory was when it was looked at. Deleting, renaming and replacing a file in it changes `changedAt`, which cannot be set. */
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
  /** Whether there is another file at the path now. */
  readonly isReplaced: boolean
  /** Whether it is the database file itself, so that what is open can no longer be brought into it. */
  readonly isMain: boolean
}

/** `Displaced` in words, without a full stop. */
export const displacedText = ({ isReplaced, path }: Displaced): string =>
  `the file ${path} was ${isReplaced ? "replaced" : "deleted"} while the database was open`

/** The error of all that is refused since then. */
export class DatabaseDisplaced extends Error {
  override readonly name = "DatabaseDisplaced"
}

export class OpenFiles {
  readonly #files: ReadonlyArray<{ readonly path: string; readonly identity: string; readonly isMain: boolean }>
  readonly #directory: string
  /** Milliseconds since 1970. */
  readonly #now: () => number
  /** The directory at the last look at the paths, where its change time was conclusive. */
  #settled: Directory | undefined
  /** When its change time is conclusive; milliseconds since 1970. */
  #settlesAt = 0
  #pathsCheckedAt = performance.now()
  #checkedAt = performance.now()
  #displaced: Displaced | undefined

  /** Remembers which files are open. A connection must have read from the database at `path` just now. */
  constructor(path: string, now: () => number = Date.now) {
    this.#now = now
    this.#directory = dirname(path)
    this.#files = SUFFIXES.flatMap((suffix) => {
      const found = identity(path + suffix)
      return found === undefined ? [] : [{ path: path + suffix, identity: found, isMain: suffix === "" }]
    })
  }

  /** The first file that was found to be displaced, for good: a file that comes back may lack what was written meanwhile. */
  get displaced(): Displaced | undefined {
    return this.#displaced
  }

  /**
   * Looks at the directory, and at the paths unless it is as it was at the last look at them: one call of `stat`, or four. A
   * path that cannot be looked at counts as deleted.
   */
  check(): Displaced | undefined {
    if (this.#displaced !== undefined) return this.#displaced
    const now = performance.now()
    this.#checkedAt = now
    if (now - this.#pathsCheckedAt < PATHS_CHECK && this.#isUnchanged()) return undefined
    this.#pathsCheckedAt = now
    // Before the paths: what is changed after this look is seen by the next one.
    const directory = this.#settledDirectory()
    for (const { identity: opened, isMain, path } of this.#files) {
      const found = this.#look(path)
      if (found !== opened) return (this.#displaced = { path, isReplaced: found !== undefined, isMain })
    }
    this.#settled = directory
    return undefined
  }

  /** Looks at the paths if the last look was more than `age` milliseconds ago. */
  checkOlderThan(age: number): Displaced | undefined {
    return this.#displaced ?? (performance.now() - this.#checkedAt > age ? this.check() : undefined)
  }

  /** Whether no file has come to or gone from the directory since the last look at the paths. */
  #isUnchanged(): boolean {
    const before = this.#settled
    if (before === undefined) return false
    const now = directoryAt(this.#directory)
    return (
      now !== undefined &&
      now.changedAt === before.changedAt &&
      now.inode === before.inode &&
      now.device === before.device
    )
  }

  /** The directory, unless it has changed so lately that another change might have the same time. */
  #settledDirectory(): Directory | undefined {
    const now = this.#now()
    // SQLite keeps Windows from deleting or replacing an open file.
    if (process.platform === "win32" || (now < this.#settlesAt && now > this.#settlesAt - SETTLED)) return undefined
    const found = directoryAt(this.#directory)
    if (found === undefined) return undefined
    this.#settlesAt = Number(found.changedAt / 1_000_000n) + SETTLED
    return now > this.#settlesAt ? found : undefined
  }

  #look(path: string): string | undefined {
    try {
      return identity(path)
    } catch {
      return undefined
    }
  }
}
