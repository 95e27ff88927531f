/**
 * Creates and migrates the tables, under a lock on the row with their version: of several nodes that start together one migrates,
 * and the others wait for it.
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { isRace, codeOf } from "./errors.ts"
import { migrations } from "./schema.ts"
import type { Session } from "./Session.ts"
import { int } from "./values.ts"

/** A version of the tables is usable by the Parley before it, so that nodes can be replaced one by one. */
export const isUsable = (version: number, own: number = migrations.length): boolean =>
  version === own || version === own + 1

export const versionProblem = (version: number, own: number = migrations.length): string =>
  version > own
    ? `its tables have version ${version}, and this Parley supports versions up to ${own + 1}`
    : `its tables have version ${version}, and this Parley needs version ${own}`

const SCHEMA_EXISTS = new Set(["42P06", "42P07", "42710", "23505"])

/** Concurrent creations of the same name fail, even with `IF NOT EXISTS`; what they wanted exists then. */
const create = (session: Session, statement: string): Effect.Effect<void, SqlError> =>
  Effect.asVoid(session.query(statement)).pipe(
    Effect.catchIf(
      (error) => SCHEMA_EXISTS.has(codeOf(error) ?? ""),
      () => Effect.void
    )
  )

/** Migrates to the version of `steps`. Returns the reason if the tables cannot be used; a newer version is left as it is. */
export const migrate = (
  session: Session,
  schema: string,
  steps: ReadonlyArray<ReadonlyArray<string>> = migrations
): Effect.Effect<string | undefined, SqlError> =>
  Effect.gen(function* () {
    const [exists] = yield* session.query("SELECT 1 FROM pg_namespace WHERE nspname = current_schema()")
    if (exists === undefined) yield* create(session, `CREATE SCHEMA IF NOT EXISTS "${schema}"`)
    yield* create(
      session,
      "CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL, id boolean PRIMARY KEY CHECK (id))"
    )
    yield* session.query("INSERT INTO schema_version (version, id) VALUES (0, true) ON CONFLICT DO NOTHING")
    yield* session.query("BEGIN")
    const [row] = yield* session.query("SELECT version FROM schema_version FOR UPDATE")
    const version = row?.[0] as number
    if (version < steps.length) {
      yield* session.pipeline([
        ...steps
          .slice(version)
          .flat()
          .map((statement) => [statement, []] as const),
        ["UPDATE schema_version SET version = $1", [int(steps.length)]]
      ])
    }
    yield* session.query("COMMIT")
    return version > steps.length + 1 ? versionProblem(version, steps.length) : undefined
  }).pipe(
    Effect.tapError(() => Effect.ignore(session.query("ROLLBACK"))),
    Effect.retry({ times: 5, while: isRace })
  )
