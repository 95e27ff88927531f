import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import { UserId } from "@parley/core/Ids"
import { JOURNAL_SIZE } from "@parley/core/Journal"
import { disabledSenderLaw, reopenLaws, sharedStoreLaws, storeLaws } from "@parley/core/testing/StoreLaws"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { execute, missing, serverPort, versions } from "../../../scripts/postgres/database.ts"
import { repetitions, share } from "../../../scripts/repetitions.ts"
import { PASSWORD, PASSWORD_ROLE } from "../../../scripts/postgres/cluster.ts"
import { migrate } from "../src/internal/migrate.ts"
import { migrations } from "../src/internal/schema.ts"
import { openSession } from "../src/internal/Session.ts"
import { databaseOf, emptyTables, newSchema } from "./database.ts"

const newUser = {
  account: "ann",
  realname: "Ann",
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: 1,
  password: null
}

it.for(versions)("PostgreSQL %s is installed", (version, { skip }) => {
  const problem = missing(version)
  skip(problem !== undefined, problem)
  assert.isUndefined(problem)
})

for (const version of versions.filter((one) => missing(one) === undefined)) {
  describe(`the store on PostgreSQL ${version}`, () => {
    // A part in `npx pnpm test`, of the older version a small one.
    for (const law of share(storeLaws, version === "18" ? 3 : 12)) {
      it.effect(law.name, () =>
        Effect.flatMap(emptyTables(version), (options) =>
          law.check.pipe(Effect.provide(PgStore.layer(options), { local: true }))
        )
      )
    }
  })

  describe(`the store on PostgreSQL ${version}, reopened`, () => {
    for (const law of share(reopenLaws, version === "18" ? 1 : 4)) {
      it.effect(
        law.name,
        Effect.fnUntraced(function* () {
          const options = yield* emptyTables(version)
          let scope = yield* Scope.make()
          yield* law.check({
            open: () =>
              Effect.suspend(() => {
                scope = Scope.makeUnsafe()
                return PgStore.make(options).pipe(Scope.provide(scope))
              }),
            close: () => Effect.suspend(() => Scope.close(scope, Exit.void))
          })
        })
      )
    }
  })

  describe(`the store on PostgreSQL ${version}, shared by two nodes`, () => {
    for (const law of share([...sharedStoreLaws, disabledSenderLaw], version === "18" ? 1 : 5)) {
      it.effect(
        law.name,
        Effect.fnUntraced(function* () {
          const options = yield* emptyTables(version)
          const [one, other] = yield* Effect.all([PgStore.make(options), PgStore.make(options)])
          yield* law.check(one, other, repetitions(version === "18" ? 1000 : 200, 30))
        }, Effect.scoped)
      )
    }
  })

  describe(`the journal on PostgreSQL ${version}`, () => {
    it.effect(
      "keeps the newest changes, and is incomplete from a dropped one on",
      Effect.fnUntraced(function* () {
        const store = yield* PgStore.make(yield* emptyTables(version))
        const change = { _tag: "NoteChange", change: { _tag: "RecordsChanged", dialect: "d", kind: "k" } } as const
        const writes = Array.from({ length: 1_000 }, () => change)
        for (let n = 0; n < 12; n++) yield* store.commit({ expectedVersions: [], writes })
        const { journal } = store
        const { change: newest } = yield* journal.newest
        assert.strictEqual(newest, 12_000)
        const all = yield* journal.changes(0, 20_000)
        assert.isFalse(all.complete)
        assert.isAtLeast(all.entries.length, JOURNAL_SIZE)
        assert.isBelow(all.entries.length, JOURNAL_SIZE + 1_001)
        const oldest = all.entries[0]?.id ?? 0
        assert.isTrue((yield* journal.changes(oldest - 1, 1)).complete)
        assert.isFalse((yield* journal.changes(oldest - 2, 1)).complete)
      }, Effect.scoped)
    )
  })

  const refusal = (options: PgStore.Options) =>
    Effect.map(Effect.flip(Effect.scoped(PgStore.make(options))), ({ message }) => message)

  describe(`a database on PostgreSQL ${version}`, () => {
    it.effect(
      "that cannot be opened is refused in one sentence, without the password",
      Effect.fnUntraced(function* () {
        const port = yield* Effect.promise(() => serverPort(version))
        const [row] = yield* Effect.promise(() =>
          execute(
            `postgres://postgres@127.0.0.1:${port}/postgres`,
            `DO $$ BEGIN CREATE ROLE ${PASSWORD_ROLE} LOGIN PASSWORD '${PASSWORD}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
            "SELECT current_database() AS name"
          )
        )
        assert.strictEqual(row?.["name"], "postgres")
        const at = `127.0.0.1:${port}`
        assert.strictEqual(
          yield* refusal({ url: `postgres://postgres:secret@${at}/nowhere` }),
          `The database postgres://postgres@${at}/nowhere cannot be opened: database "nowhere" does not exist.`
        )
        assert.strictEqual(
          yield* refusal({ url: `postgres://${PASSWORD_ROLE}:secret@${at}/postgres` }),
          `The database postgres://${PASSWORD_ROLE}@${at}/postgres cannot be opened: password authentication failed for user "${PASSWORD_ROLE}".`
        )
        assert.strictEqual(
          yield* refusal({ url: `postgres://${PASSWORD_ROLE}@${at}/postgres` }),
          `The database postgres://${PASSWORD_ROLE}@${at}/postgres cannot be opened: The server requested password authentication.`
        )
        assert.match(
          yield* refusal({ url: `postgres://${PASSWORD_ROLE}:${encodeURIComponent(PASSWORD)}@${at}/postgres` }),
          /cannot be used: permission denied for database postgres\.$/
        )
        assert.strictEqual(
          yield* refusal({ url: "postgres://postgres:secret@127.0.0.1:1/parley" }),
          "The database postgres://postgres@127.0.0.1:1/parley cannot be reached: connect ECONNREFUSED 127.0.0.1:1."
        )
      })
    )

    it.effect(
      "is used with the next version of the tables, and refused with a later one",
      Effect.fnUntraced(function* () {
        const options = yield* newSchema(version)
        yield* Effect.scoped(PgStore.make(options))
        const setVersion = (to: number) =>
          Effect.promise(() => execute(options.url, `UPDATE ${options.schema}.schema_version SET version = ${to}`))
        yield* setVersion(migrations.length + 1)
        yield* Effect.scoped(
          Effect.flatMap(PgStore.make(options), (store) =>
            Effect.map(store.allUsers, (all) => assert.deepStrictEqual(all, []))
          )
        )
        yield* setVersion(migrations.length + 2)
        assert.match(
          yield* refusal(options),
          new RegExp(
            `cannot be used: its tables have version ${migrations.length + 2}, and this Parley supports versions up to ${migrations.length + 1}\\.$`
          )
        )
      })
    )

    it.effect(
      "is migrated while a node of the version before runs on",
      Effect.fnUntraced(function* () {
        const options = yield* newSchema(version)
        const store = yield* PgStore.make(options)
        const commit = (n: number) =>
          store.commit({
            expectedVersions: [],
            writes: [
              { _tag: "SaveSettings", user: UserId(1), settings: `${n}` },
              { _tag: "PutRecord", record: { dialect: "d", kind: "k", key: "x", value: n } }
            ]
          })
        yield* store.commit({ expectedVersions: [], writes: [{ _tag: "CreateUser", user: newUser }] })
        yield* commit(1)
        const next = ["ALTER TABLE users ADD COLUMN later text", "ALTER TABLE records ADD COLUMN later bigint"]
        const session = yield* openSession({ url: Redacted.make(options.url), schema: options.schema }, "migrate")
        assert.isUndefined(yield* migrate(session, options.schema, [...migrations, next]))
        session.close()
        yield* commit(2)
        assert.strictEqual(yield* store.settings(UserId(1)), "2")
        assert.strictEqual((yield* store.record("d", "k", "x"))?.value, 2)
        assert.strictEqual((yield* store.allUsers).length, 1)
        const rows = yield* Effect.promise(() =>
          execute(options.url, `SELECT version::integer FROM ${options.schema}.schema_version`)
        )
        assert.deepStrictEqual(rows, [{ version: migrations.length + 1 }])
        yield* Effect.scoped(PgStore.make(options))
      }, Effect.scoped)
    )

    it.effect(
      "that several nodes open at once is migrated once",
      Effect.fnUntraced(function* () {
        const options = yield* newSchema(version)
        yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.scoped(PgStore.make(options)), {
          concurrency: "unbounded"
        })
        const rows = yield* Effect.promise(() =>
          execute(options.url, `SELECT version::integer FROM ${options.schema}.schema_version`)
        )
        assert.deepStrictEqual(rows, [{ version: migrations.length }])
      })
    )

    it.effect(
      "of another encoding, or without synchronous commits, is refused",
      Effect.fnUntraced(function* () {
        const url = yield* Effect.promise(() => databaseOf(version))
        const name = new URL(url).pathname.slice(1)
        yield* Effect.promise(() =>
          execute(
            url,
            `CREATE DATABASE ${name}_latin TEMPLATE template0 ENCODING LATIN1`,
            `CREATE ROLE hasty_${name} SUPERUSER LOGIN`,
            `ALTER ROLE hasty_${name} SET synchronous_commit = off`
          )
        )
        assert.match(
          yield* refusal({ url: `${url}_latin` }),
          /cannot be used: its encoding is LATIN1, and Parley needs UTF8\.$/
        )
        assert.match(
          yield* refusal({ url: url.replace("postgres@", `hasty_${name}@`) }),
          /cannot be used: its setting synchronous_commit is off, and what Parley acknowledges must be on disk: set it to on\.$/
        )
      })
    )
  })
}
