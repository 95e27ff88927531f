/** Copies a database while it is used. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { backup as copy, DatabaseSync } from "node:sqlite"
import { Progress } from "@parley/core/Progress"
import * as Effect from "effect/Effect"
import { DatabaseError } from "./DatabaseError.ts"
import { errorText } from "./sqliteError.ts"

/** Number of pages that are copied in one step, between reports of progress. */
const PAGES_PER_STEP = 1000
/** Milliseconds to wait for a lock; in WAL mode only a recovery of the database holds one. */
const BUSY_TIMEOUT = 2_000

const flush = (path: string): void => {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const failed = (file: string, text: string): DatabaseError => new DatabaseError({ file, message: text })

/**
 * Copies the database `file` as it is now to the new file `to`: everything that was committed before the call, and nothing that is
 * committed later. It is copied in the thread pool, while the database is read and written. The copy appears under its name when it
 * is complete and on the disk, with mode 0600. Returns its size in bytes. Reports pages to `Progress`.
 *
 * `file` must be open in this process, or in none.
 */
export const backup = (file: string, to: string): Effect.Effect<number, DatabaseError> =>
  Effect.gen(function* () {
    const report = yield* Progress
    const target = resolve(to)
    if (existsSync(target)) return yield* failed(file, `${target} exists already`)
    const partial = join(dirname(target), `.${basename(target)}.${process.pid}.partial`)
    return yield* Effect.acquireUseRelease(
      Effect.sync(() => partial),
      (path) =>
        Effect.tryPromise({
          try: async () => {
            // SQLite keeps the mode of an existing file.
            closeSync(openSync(path, "wx", 0o600))
            const source = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT })
            try {
              // The copy starts again whenever the source changes, unless it reads one snapshot.
              source.exec("BEGIN")
              source.prepare("PRAGMA schema_version").get()
              await copy(source, path, {
                rate: PAGES_PER_STEP,
                progress: ({ remainingPages, totalPages }) => report(totalPages - remainingPages, totalPages)
              })
            } finally {
              source.close()
            }
            flush(path)
            if (existsSync(target)) throw new Error(`${target} exists already`)
            renameSync(path, target)
            flush(dirname(target))
            return statSync(target).size
          },
          catch: (cause) => failed(file, `The database cannot be copied to ${target}: ${errorText(cause)}.`)
        }),
      (path) => Effect.sync(() => rmSync(path, { force: true }))
    )
  })
