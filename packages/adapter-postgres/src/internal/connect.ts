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

/** Operation of the errors about servers that can be reached, but not used. */
const CHECK = "check"

/** Connects to one server, and checks it: after a loss another one may reply, or another Parley may have migrated the tables. */
const openChecked = (target: Target, purpose: Purpose, hasTables: boolean): Effect.Effect<Session, SqlError> =>
  Effect.gen(function* () {
    const session = yield* openSession(target, purpose)
    const check = Effect.gen(function* () {
      const problem = yield* serverProblem(session, purpose)
      if (problem !== undefined || !hasTables) return problem
      const [row] = yield* session.query(VERSION)
      const version = row?.[0] as number
      return isUsable(version) ? undefined : versionProblem(version)
    })
    const message = yield* Effect.tapError(check, () => Effect.sync(() => session.close()))
    if (message === undefined) return session
    session.close()
    return yield* new SqlError({
      reason: new ConnectionError({ cause: new Error(message), message, operation: CHECK })
    })
  })

/** Connects to the first of the servers that can be used, which is the primary. */
const connect = (servers: Servers, purpose: Purpose, hasTables = true): Effect.Effect<Session, SqlError> =>
  servers
    .map((target) => openChecked(target, purpose, hasTables))
    .reduce((earlier, next) => Effect.catch(earlier, () => next))

/** Returns the URL without the password, for messages. */
export const describeUrl = (url: string): string =>
  url.replace(/^([a-z]+:\/\/[^:@/?]*):[^@/]*@/, "$1@").replace(/([?&]password=)[^&]*/, "$1")

const AUTHORITY = /^([a-z]+:\/\/(?:[^@/?]*@)?)([^/?]*)(.*)$/

/** Returns the servers of a URL, whose host may be a list: `postgres://user@one:5432,two:5432/database`. */
const serversOf = ({ schema, url }: OpenOptions): Servers => {
  const [, before = url, hosts = "", after = ""] = AUTHORITY.exec(url) ?? []
  const [first = "", ...others] = hosts.split(",")
  const serverAt = (host: string): Target => ({ url: Redacted.make(before + host + after), schema })
  return [serverAt(first), ...others.map(serverAt)]
}

const openingError = (database: string, error: SqlError): DatabaseError => {
  const { reason } = error
  const isCheck = "operation" in reason && reason.operation === CHECK
  const what = isCheck ? "used" : reason._tag === "ConnectionError" ? "reached" : "opened"
  return new DatabaseError({ database, message: `The database ${database} cannot be ${what}: ${errorText(error)}.` })
}

/** Runs an effect on a new connection to a database whose tables may be missing. */
export const withSession = <A>(
  options: OpenOptions,
  use: (session: Session) => Effect.Effect<A, SqlError>
): Effect.Effect<A, DatabaseError> => {
  const database = describeUrl(options.url)
  return connect(serversOf(options), "migrate", false).pipe(
    Effect.mapError((error) => openingError(database, error)),
    Effect.flatMap((session) =>
      use(session).pipe(
        Effect.mapError(
          (error) =>
            new DatabaseError({ database, message: `The database ${database} cannot be used: ${errorText(error)}.` })
        ),
        Effect.ensuring(Effect.sync(() => session.close()))
      )
    )
  )
}

/** Returns whether the database has the tables. */
export const isPrepared = (options: OpenOptions): Effect.Effect<boolean, DatabaseError> =>
  withSession(options, (session) =>
    Effect.map(session.query("SELECT to_regclass('schema_version') IS NOT NULL"), ([row]) => row?.[0] === true)
  )

/** Migrates the database, or fails with one sentence for the operator. Returns its servers. */
export const prepareDatabase = (options: OpenOptions): Effect.Effect<Servers, DatabaseError> =>
  Effect.flatMap(
    withSession(options, (session) => migrate(session, options.schema)),
    (problem) => {
      if (problem === undefined) return Effect.succeed(serversOf(options))
      const database = describeUrl(options.url)
      return Effect.fail(
        new DatabaseError({ database, message: `The database ${database} cannot be used: ${problem}.` })
      )
    }
  )

/** The servers of one database, of which one is the primary. */
export type Servers = readonly [Target, ...ReadonlyArray<Target>]

export interface OpenOptions {
  readonly url: string
  readonly schema: string
}

/** Opens connections until the scope closes. They are established when they are first used. */
export const openPool = (
  servers: Servers,
  purpose: Purpose,
  size: number
): Effect.Effect<SessionPool, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new SessionPool(connect(servers, purpose), size)),
    (open) => Effect.sync(() => open.close())
  )

/** A new connection for packets, for each run. */
export const nodeSession = (servers: Servers): Effect.Effect<Session, SqlError> => connect(servers, "nodes")
