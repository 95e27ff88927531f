/** Connections to the database: checks of the server, migration, clear errors. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { DatabaseError, errorText } from "./errors.ts"
import { isUsable, migrate, versionProblem } from "./migrate.ts"
import { openSession, type Purpose, type Session, type Target } from "./Session.ts"
import { SessionPool } from "./SessionPool.ts"
import { Columns } from "./values.ts"

/** Oldest version of PostgreSQL that Parley is tested with. */
const OLDEST_SERVER = 15

/** Facts of a connection's server that a store depends on. */
const SERVER = `SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'), pg_is_in_recovery(),
  current_setting('synchronous_commit')`
const VERSION = "SELECT version FROM schema_version"

/** Returns why the server cannot be used, as a clause, or undefined. */
const serverProblem = (session: Session, purpose: Purpose): Effect.Effect<string | undefined, SqlError> =>
  Effect.map(session.query(SERVER), ([row]) => {
    const columns = new Columns(row ?? [])
    const major = Math.floor(columns.int() / 10_000)
    const encoding = columns.text()
    const isStandby = columns.bool()
    const commits = columns.text()
    if (major < OLDEST_SERVER) return `it is PostgreSQL ${major}, and Parley needs ${OLDEST_SERVER} or later`
    if (encoding !== "UTF8") return `its encoding is ${encoding}, and Parley needs UTF8`
    if (isStandby) return "the server is a standby: name its primary"
    if (commits === "off" && purpose !== "nodes") {
      return "its setting synchronous_commit is off, and what Parley acknowledges must be on disk: set it to on"
    }
    return undefined
  })

/** Connects again after a loss. Another server may reply now, or another Parley may have migrated the tables. */
const reconnect = (target: Target, purpose: Purpose): Effect.Effect<Session, SqlError> =>
  Effect.gen(function* () {
    const session = yield* openSession(target, purpose)
    const check = Effect.gen(function* () {
      const problem = yield* serverProblem(session, purpose)
      const [row] = yield* session.query(VERSION)
      const version = row?.[0] as number
      return problem ?? (isUsable(version) ? undefined : versionProblem(version))
    })
    const problem = yield* Effect.tapError(check, () => Effect.sync(() => session.close()))
    if (problem === undefined) return session
    session.close()
    const cause = new Error(problem)
    return yield* new SqlError({
      reason: new ConnectionError({ cause, message: problem, operation: "connect" })
    })
  })

/** Returns the URL without the password, for messages. */
export const describeUrl = (text: string): string => {
  try {
    const url = new URL(text)
    url.password = ""
    url.searchParams.delete("password")
    return url.href
  } catch {
    return "postgres:"
  }
}

const openingError = (database: string, error: SqlError): DatabaseError => {
  const what = error.reason._tag === "ConnectionError" ? "reached" : "opened"
  return new DatabaseError({ database, message: `The database ${database} cannot be ${what}: ${errorText(error)}.` })
}

/** Migrates the database, or fails with one sentence for the operator. */
const prepare = (target: Target, database: string): Effect.Effect<void, DatabaseError> => {
  const failed = (message: string): DatabaseError => new DatabaseError({ database, message })
  return Effect.gen(function* () {
    const session = yield* Effect.mapError(openSession(target, "migrate"), (error) => openingError(database, error))
    const problem = yield* Effect.flatMap(serverProblem(session, "migrate"), (found) =>
      found === undefined ? migrate(session, target.schema) : Effect.succeed(found)
    ).pipe(
      Effect.mapError((error) => failed(`The database ${database} cannot be used: ${errorText(error)}.`)),
      Effect.ensuring(Effect.sync(() => session.close()))
    )
    if (problem !== undefined) return yield* failed(`The database ${database} cannot be used: ${problem}.`)
  })
}

/** Returns whether the database has the tables. */
export const isPrepared = ({ schema, url }: OpenOptions): Effect.Effect<boolean, DatabaseError> => {
  const database = describeUrl(url)
  const session = Effect.mapError(openSession({ url: Redacted.make(url), schema }, "read"), (error) =>
    openingError(database, error)
  )
  return Effect.flatMap(session, (open) =>
    open.query("SELECT to_regclass('schema_version') IS NOT NULL").pipe(
      Effect.map(([row]) => row?.[0] === true),
      Effect.mapError(
        (error) =>
          new DatabaseError({ database, message: `The database ${database} cannot be used: ${errorText(error)}.` })
      ),
      Effect.ensuring(Effect.sync(() => open.close()))
    )
  )
}

export interface OpenOptions {
  readonly url: string
  readonly schema: string
}

/** Opens connections until the scope closes. They are established when they are first used. */
export const openPool = (
  target: Target,
  purpose: Purpose,
  size: number
): Effect.Effect<SessionPool, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new SessionPool(reconnect(target, purpose), size)),
    (open) => Effect.sync(() => open.close())
  )

/** Migrates the database, or fails with one sentence for the operator. Returns the target of connections. */
export const prepareTarget = ({ schema, url }: OpenOptions): Effect.Effect<Target, DatabaseError> => {
  const target = { url: Redacted.make(url), schema }
  return Effect.as(prepare(target, describeUrl(url)), target)
}
