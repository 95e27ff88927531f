import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Store } from "@parley/core/Store"
import { reopenLaws, sharedStoreLaws, storeLaws } from "@parley/core/testing/StoreLaws"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { migrate, migrations } from "../src/internal/schema.ts"
import { share } from "../../../scripts/repetitions.ts"
import { folder } from "./folder.ts"

describe("the store on SQLite", () => {
  for (const law of share(storeLaws, 2)) {
    it.effect(law.name, () =>
      Effect.flatMap(folder, (path) =>
        law.check.pipe(Effect.provide(SqliteStore.layer({ file: join(path, "parley.db") }), { local: true }))
      )
    )
  }
})

describe("the store on SQLite, shared by two engines of a process", () => {
  for (const law of sharedStoreLaws) {
    it.effect(law.name, () =>
      Effect.gen(function* () {
        const store = yield* SqliteStore.make({ file: join(yield* folder, "parley.db") })
        yield* law.check(store, store, 20)
      })
    )
  }
})

describe("the store on SQLite, reopened", () => {
  for (const law of reopenLaws) {
    it.effect(
      law.name,
      Effect.fnUntraced(function* () {
        const file = join(yield* folder, "parley.db")
        let scope = yield* Scope.make()
        yield* law.check({
          open: () =>
            Effect.suspend(() => {
              scope = Scope.makeUnsafe()
              return SqliteStore.make({ file }).pipe(Scope.provide(scope))
            }),
          close: () => Effect.suspend(() => Scope.close(scope, Exit.void))
        })
      })
    )
  }
})

/** Opens and closes the store at once. */
const open = (file: string) => Effect.scoped(SqliteStore.make({ file }))

const refusal = (file: string) => Effect.map(Effect.flip(open(file)), (error) => error.message)

describe("the database file", () => {
  it.effect(
    "is made with the folders above it, and leaves no other file but the lock when closed",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "a", "b", "parley.db")
      yield* open(file)
      assert.isTrue(existsSync(file))
      assert.deepStrictEqual(
        ["-wal", "-shm", "-journal", ".holder", ".lock-journal"].filter((end) => existsSync(file + end)),
        []
      )
    })
  )

  it.effect(
    "is refused when it is newer than we know",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      yield* open(file)
      const database = new DatabaseSync(file)
      database.exec(`PRAGMA user_version = ${migrations.length + 1}`)
      database.close()
      assert.strictEqual(
        yield* refusal(file),
        `The database ${file} cannot be used: it has version ${migrations.length + 1}, and this Parley supports versions up to ${migrations.length}.`
      )
    })
  )

  it.effect(
    "is refused, and left as it was, when it is no database or another program's",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      const text = join(path, "letter.txt")
      writeFileSync(text, "Dear friend, this is a letter. ".repeat(100))
      assert.strictEqual(yield* refusal(text), `The file ${text} is not a database.`)
      assert.isTrue(readFileSync(text, "utf8").startsWith("Dear friend"))
      const foreign = join(path, "foreign.db")
      const database = new DatabaseSync(foreign)
      database.exec("CREATE TABLE users (id INTEGER)")
      database.close()
      assert.strictEqual(
        yield* refusal(foreign),
        `The database ${foreign} cannot be used: it is the database of another program.`
      )
    })
  )

  it.effect(
    "is refused when it cannot be opened, or has no file",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      assert.match(yield* refusal(path), /^The database .* cannot be opened: /)
      writeFileSync(join(path, "file"), "")
      assert.match(yield* refusal(join(path, "file", "parley.db")), /^The database .* cannot be opened: /)
      assert.match(yield* refusal(":memory:"), /needs a file name/)
    })
  )

  for (let version = 0; version < migrations.length; version++) {
    it.effect(
      `of version ${version} becomes one of version ${migrations.length}`,
      Effect.fnUntraced(function* () {
        const file = join(yield* folder, "parley.db")
        const database = new DatabaseSync(file)
        if (version > 0) assert.isUndefined(migrate(database, migrations.slice(0, version)))
        database.close()
        const law = storeLaws[0]
        assert.isDefined(law)
        yield* law.check.pipe(Effect.provide(SqliteStore.layer({ file }), { local: true }))
        const after = new DatabaseSync(file)
        assert.strictEqual(after.prepare("PRAGMA user_version").get()?.["user_version"], migrations.length)
        after.close()
      })
    )
  }

  it.effect(
    "is whole and its references hold after all that",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const laws = storeLaws.filter(
        (law) => law.name.includes("do not harm") || law.name.includes("at its end writes nothing")
      )
      assert.strictEqual(laws.length, 2)
      for (const law of laws.slice(0, 1)) {
        yield* law.check.pipe(Effect.provide(SqliteStore.layer({ file }), { local: true }))
      }
      const database = new DatabaseSync(file)
      assert.strictEqual(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok")
      assert.deepStrictEqual(database.prepare("PRAGMA foreign_key_check").all(), [])
      database.close()
    })
  )
})

describe("a store that is closed", () => {
  it.effect(
    "fails what is committed and read afterwards",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const scope = yield* Scope.make()
      const store: Store["Service"] = yield* SqliteStore.make({ file }).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(store.commit({ expectedVersions: [], writes: [] })))._tag, "StorageFailed")
      assert.strictEqual((yield* Effect.flip(store.allUsers))._tag, "StorageFailed")
    })
  )

  it.effect(
    "leaves no handle that would keep the process alive",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const handles = () => process.getActiveResourcesInfo().filter((one) => /Worker|MessagePort/.test(one)).length
      const before = handles()
      yield* open(file)
      assert.strictEqual(handles(), before)
    })
  )
})
