/**
 * The store on SQLite, in one file: no server beside it, and durable when answered. Writes go through one thread (see
 * `sqlite/Writer`), reads through a connection of their own on the calling thread, which sees all that was committed.
 */
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Store } from "@parley/core/Store"
import type { DatabaseError } from "./DatabaseError.ts"
import * as Commits from "./internal/writer/GroupCommit.ts"
import { openStore } from "./internal/openStore.ts"

export { DatabaseError } from "./DatabaseError.ts"

/**
 * A store on the database `file`, until the scope closes: then what waits is committed, and the file is free.
 * The file and the folders above it are made when missing.
 */
export const make = (options: { readonly file: string }): Effect.Effect<Store["Service"], DatabaseError, Scope.Scope> =>
  openStore(options.file, Commits.open)

/** The store on SQLite; `file` is the database's path. */
export const layer = (options: { readonly file: string }): Layer.Layer<Store, DatabaseError> =>
  Layer.effect(Store, make(options))
