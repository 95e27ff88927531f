/**
 * The store on SQLite, in one file; a commit that has returned is durable. One thread writes (see `WriterThread`); reads
 * use a read-only connection on the calling thread, which sees every committed transaction.
 */
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { checkOptions, nonEmpty } from "@parley/core/Check"
import { Store } from "@parley/core/Store"
import { backup as copyDatabase } from "./internal/backup.ts"
import type { DatabaseError } from "./internal/DatabaseError.ts"
import { inspectDatabase, verifyDatabase } from "./internal/queries/verify.ts"
import * as GroupCommit from "./internal/writer/GroupCommit.ts"
import type { DatabaseState, Verification } from "@parley/core/StoreInvariants"
import { openStore } from "./internal/openStore.ts"

export { DatabaseError } from "./internal/DatabaseError.ts"

/**
 * Opens a store on the database `file` until the scope closes; pending batches are committed first. Creates the file
 * and the folders above it if missing.
 */
export const make = (options: { readonly file: string }): Effect.Effect<Store["Service"], DatabaseError, Scope.Scope> =>
  openStore(options.file, GroupCommit.open)

/**
 * Copies the database `file` to the new file `to` while a store of this process uses it, or none does. Everything that was committed
 * before the call is in the copy, and nothing that is committed later. Returns the copy's size in bytes; it has mode 0600, and is
 * complete and on the disk when it appears. Reports pages to `Progress`. To restore it, put it in the place of `file` while no store
 * is open, without a `-wal` or `-shm` beside it. Uploaded files are not in the database.
 */
export const backup = (options: { readonly file: string; readonly to: string }): Effect.Effect<number, DatabaseError> =>
  copyDatabase(options.file, options.to)

/**
 * Verifies the invariants of the database `file` as of one moment, while a store uses it or none does; writes nothing. Reports entries
 * to `Progress`. Holds the thread while it reads: run it in a process of its own. Fails if the file cannot be read, is not a
 * database of Parley, or has another version than this Parley.
 */
export const verify = (options: { readonly file: string }): Effect.Effect<Verification, DatabaseError> =>
  verifyDatabase(options.file)

/**
 * Returns the state of the database `file`, of any version, while a store uses it or none does; writes nothing. Fails if the file
 * cannot be read, or is not a database of Parley.
 */
export const inspect = (options: { readonly file: string }): Effect.Effect<DatabaseState, DatabaseError> =>
  inspectDatabase(options.file)

/** The store on SQLite; `file` is the database's path. */
export const layer = (options: { readonly file: string }): Layer.Layer<Store, DatabaseError> => {
  checkOptions("SqliteStore.layer", options, { file: nonEmpty })
  return Layer.effect(Store, make(options))
}
