/** Databases for tests: one for a test file, and in it empty tables for each test. */
import { Effect } from "effect"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { createDatabase, execute } from "../../../scripts/postgres/database.ts"
import type { PostgresVersion } from "../../../scripts/postgres/binaries.ts"

interface Options {
  readonly url: string
  readonly schema: string
}

const databases = new Map<PostgresVersion, Promise<string>>()

/** URL of this process's database on a server of this version. */
export const databaseOf = (version: PostgresVersion): Promise<string> => {
  const created = databases.get(version) ?? createDatabase(version)
  databases.set(version, created)
  return created
}

let schemas = 0

/** Options of a store on a schema that does not exist yet. */
export const newSchema = (version: PostgresVersion): Effect.Effect<Options> =>
  Effect.map(
    Effect.promise(() => databaseOf(version)),
    (url) => ({ url, schema: `new_${++schemas}` })
  )

const prepared = new Map<PostgresVersion, Promise<Options>>()

const prepare = async (version: PostgresVersion): Promise<Options> => {
  const options = { url: await databaseOf(version), schema: "shared" }
  await Effect.runPromise(Effect.scoped(PgStore.make(options)))
  return options
}

/** Creating tables takes ten times as long as emptying small ones. */
const EMPTY = `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'shared'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition AND relname NOT IN ('schema_version', 'journal')
  LOOP EXECUTE 'DELETE FROM shared.' || name; END LOOP;
  UPDATE shared.journal SET dropped = 0;
  PERFORM setval(oid, 1, false) FROM pg_class WHERE relnamespace = 'shared'::regnamespace AND relkind = 'S';
END $$`

/** Options of a store on empty tables, which are those of the test before. */
export const emptyTables = (version: PostgresVersion): Effect.Effect<Options> =>
  Effect.promise(async () => {
    const preparing = prepared.get(version) ?? prepare(version)
    prepared.set(version, preparing)
    const options = await preparing
    await execute(options.url, EMPTY)
    return options
  })
