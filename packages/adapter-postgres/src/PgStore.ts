/**
 * The store on PostgreSQL, which several nodes share. A commit that has returned is on the database's disk, and on its synchronous
 * standbys.
 */
import { Store } from "@parley/core/Store"
import type { DatabaseState, Verification } from "@parley/core/StoreInvariants"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { checkDatabase } from "./internal/checkDatabase.ts"
import type { DatabaseError } from "./internal/errors.ts"
import { isPrepared } from "./internal/connect.ts"
import { openStore } from "./internal/openStore.ts"
import { inspectDatabase, verifyDatabase } from "./internal/queries/verify.ts"

export { DatabaseError } from "./internal/errors.ts"

/** Location of the database. */
export interface Options {
  /**
   * `postgres://user:password@host:port/database`, with the parameters of libpq: `sslmode`, … Of a
   * list of hosts (`one:5432,two:5432`) the first one that is a primary is used, after a failover too.
   */
  readonly url: string
  /** Name of the PostgreSQL schema with Parley's tables, created if it is missing; lower case. Default: `parley`. */
  readonly schema?: string
}

/**
 * Opens a store until the scope closes; pending batches are committed first. Creates or migrates the tables. Fails with one sentence
 * for the operator if the database cannot be reached or used. While the database is unreachable later, requests
 * wait for up to 5 s and then fail; after 5 s without it they fail at once.
 */
export const make = (options: Options): Effect.Effect<Store["Service"], DatabaseError, Scope.Scope> =>
  openStore({ url: options.url, schema: options.schema ?? "parley" })

/** The store on PostgreSQL. */
export const layer = (options: Options): Layer.Layer<Store, DatabaseError> => {
  checkDatabase("PgStore.layer", options)
  return Layer.effect(Store, make(options))
}

/** Returns whether the database has Parley's tables. Fails if it cannot be reached or opened. */
export const exists = (options: Options): Effect.Effect<boolean, DatabaseError> =>
  isPrepared({ url: options.url, schema: options.schema ?? "parley" })

/**
 * Verifies the invariants of the database as of one moment, while stores use it; writes nothing. Reports entries to `Progress`.
 * Fails if the database cannot be read, or has no tables of this version.
 */
export const verify = (options: Options): Effect.Effect<Verification, DatabaseError> =>
  verifyDatabase({ url: options.url, schema: options.schema ?? "parley" })

/** Returns the state of the database, whatever the version of its tables; writes nothing. Fails if it cannot be reached or used. */
export const inspect = (options: Options): Effect.Effect<DatabaseState, DatabaseError> =>
  inspectDatabase({ url: options.url, schema: options.schema ?? "parley" })
