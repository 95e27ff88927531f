/**
 * Detects that the database's files were deleted or replaced while they are open. SQLite goes on writing to the files it
 * has open, which nobody finds any more at their paths.
 */
import { statSync } from "node:fs"

/** `-shm` holds no data, but a second process that makes a new one no longer shares locks with this one. */
const SUFFIXES = ["", "-wal", "-shm"] as const

/** The device and inode of the file at `path`, or undefined where there is none. */
const identity = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
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
export const displacedWords = ({ isReplaced, path }: Displaced): string =>
  `the file ${path} was ${isReplaced ? "replaced" : "deleted"} while the database was open`

/** The error of all that is refused since then. */
export class DatabaseDisplaced extends Error {
  override readonly name = "DatabaseDisplaced"
}

export class OpenFiles {
  readonly #files: ReadonlyArray<{ readonly path: string; readonly identity: string; readonly isMain: boolean }>
  #checkedAt = performance.now()
  #displaced: Displaced | undefined

  /** Remembers which files are open. A connection must have read from the database at `path` just now. */
  constructor(path: string) {
    this.#files = SUFFIXES.flatMap((suffix) => {
      const found = identity(path + suffix)
      return found === undefined ? [] : [{ path: path + suffix, identity: found, isMain: suffix === "" }]
    })
  }

  /** The first file that was found to be displaced, for good: a file that comes back may lack what was written meanwhile. */
  get displaced(): Displaced | undefined {
    return this.#displaced
  }

  /** Looks at the paths, in about 12 microseconds after a wait for the disk, two when hot. A path that cannot be looked at counts as deleted. */
  check(): Displaced | undefined {
    if (this.#displaced !== undefined) return this.#displaced
    for (const { identity: opened, isMain, path } of this.#files) {
      const found = this.#look(path)
      if (found !== opened) return (this.#displaced = { path, isReplaced: found !== undefined, isMain })
    }
    this.#checkedAt = performance.now()
    return undefined
  }

  /** Looks at the paths if the last look was more than `age` milliseconds ago. */
  checkOlderThan(age: number): Displaced | undefined {
    return this.#displaced ?? (performance.now() - this.#checkedAt > age ? this.check() : undefined)
  }

  #look(path: string): string | undefined {
    try {
      return identity(path)
    } catch {
      return undefined
    }
  }
}
