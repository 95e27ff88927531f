/** Examines the database: whether it can be read, the version of its tables, its invariants. */
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import type { DatabaseState, Verification } from "@parley/core/StoreInvariants"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { type Database, displayDatabase } from "../config/ServeOptions.ts"
import { type Examined, fail, ok, warn } from "./Examined.ts"

/** Entries up to which the doctor verifies the whole database, which takes a second or two. */
const VERIFIED_ENTRIES = 200_000

type Unusable = { readonly message: string }

/** Reads a database of one kind. */
interface Access {
  readonly inspect: Effect.Effect<DatabaseState, Unusable>
  readonly verify: Effect.Effect<Verification, Unusable>
}

/** The driver of PostgreSQL is loaded if it is used. */
const accessTo = (database: Exclude<Database, { readonly _tag: "Memory" }>): Effect.Effect<Access> =>
  database._tag === "Sqlite"
    ? Effect.succeed({ inspect: SqliteStore.inspect(database), verify: SqliteStore.verify(database) })
    : Effect.map(
        Effect.promise(() => import("@parley/adapter-postgres/PgStore")),
        (PgStore) => ({ inspect: PgStore.inspect(database), verify: PgStore.verify(database) })
      )

const verified = (found: Verification, shown: string): Examined => {
  const name = "invariants"
  if (found.count === 0) return ok(name, `the data of ${found.checked.chats} chats is consistent`)
  const [first] = found.findings
  const example = first === undefined ? "" : `, for example: ${first.text}`
  return fail(name, `${found.count} violations${example}`, `see: parley db check --database ${shown}`)
}

/** Lines about the database, and its state if it can be read. */
export interface ExaminedDatabase {
  readonly lines: ReadonlyArray<Examined>
  readonly state?: DatabaseState
}

/** `isServed`: a server of this machine uses the database. */
export const examineDatabase = Effect.fnUntraced(function* (
  database: Database,
  isServed: boolean
): Effect.fn.Return<ExaminedDatabase> {
  const name = "database"
  const shown = displayDatabase(database)
  if (database._tag === "Memory") {
    return { lines: [warn(name, "nothing is stored: it is in memory", "give --database to keep messages")] }
  }
  if (database._tag === "Sqlite" && !existsSync(database.file)) {
    return { lines: [ok(name, `${shown} does not exist yet; the server creates it`)] }
  }
  const { inspect, verify } = yield* accessTo(database)
  const state = yield* Effect.match(inspect, {
    onFailure: ({ message }) => fail(name, message.replace(/\.$/, ""), "start its server, or correct --database"),
    onSuccess: (found) => found
  })
  if ("status" in state) return { lines: [state] }
  const { newestId, supported, version } = state
  const use = isServed ? "a server of this machine uses it" : "no server of this machine uses it"
  if (version === 0) return { lines: [ok(name, `${shown} has no tables yet; the server creates them`)], state }
  const text = `${shown} has version ${version} of the tables; ${use}`
  // Nodes on PostgreSQL run on the next version too, while they are replaced.
  if (version > supported + (database._tag === "Postgres" ? 1 : 0)) {
    return { lines: [fail(name, text, `use a newer Parley: this one supports version ${supported}`)], state }
  }
  if (version < supported) {
    const advice = `back it up: the next start converts it to version ${supported}, and an older Parley then refuses it`
    return { lines: [warn(name, text, advice)], state }
  }
  const invariants =
    newestId > VERIFIED_ENTRIES
      ? ok("invariants", `not verified, since the log is long; parley db check does it`)
      : yield* Effect.match(verify, {
          onFailure: ({ message }) => fail("invariants", message.replace(/\.$/, ""), "restore a backup"),
          onSuccess: (found) => verified(found, shown)
        })
  return { lines: [ok(name, text), invariants], state }
})
