import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import type { Store, WriteBatch } from "@parley/core/Store"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { OpenFiles } from "../src/internal/OpenFiles.ts"
import { folder } from "./folder.ts"

const user = (account: string): WriteBatch => ({
  expectedVersions: [],
  writes: [
    {
      _tag: "CreateUser",
      user: {
        account,
        realname: "",
        avatar: "",
        role: "",
        dept: 0,
        admin: false,
        organisation: null,
        disabled: false,
        createdAt: 0,
        password: null
      }
    }
  ]
})

const database = Effect.map(folder, (path) => join(path, "parley.db"))

/** A running store on the file, with one user. */
const running = Effect.fnUntraced(function* (file: string) {
  const store = yield* SqliteStore.make({ file })
  yield* store.commit(user("ann"))
  return store
})

const accounts = (file: string): ReadonlyArray<unknown> => {
  const database = new DatabaseSync(file)
  try {
    return database
      .prepare("SELECT account FROM users ORDER BY id")
      .all()
      .map(({ account }) => account)
  } finally {
    database.close()
  }
}

/** Refused, with this in the cause. */
const isRefused = Effect.fnUntraced(function* (store: Store["Service"], account: string, why: string) {
  const failure = yield* Effect.flip(store.commit(user(account)))
  assert(failure._tag === "StorageFailed")
  assert(failure.cause instanceof Error)
  assert.strictEqual(failure.cause.name, "DatabaseDisplaced")
  assert.include(failure.cause.message, why)
})

describe("a database whose files are deleted or replaced while it is open", () => {
  it.effect(
    "takes nothing more once the file is deleted, and makes no new one",
    Effect.fnUntraced(function* () {
      const file = yield* database
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* running(file)
          for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix)
          yield* isRefused(store, "bob", `the file ${file} was deleted while the database was open`)
          yield* isRefused(store, "carol", "was deleted")
          assert.deepStrictEqual(
            (yield* store.allUsers).map(({ account }) => account).slice(0, 1),
            ["ann"],
            "what is open can be read"
          )
          assert.isFalse(existsSync(file))
        })
      )
      for (const suffix of ["", "-wal", "-shm"]) assert.isFalse(existsSync(file + suffix), suffix)
    })
  )

  it.effect(
    "does not touch the file that took its place, nor what lies beside that",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      const other = join(path, "other.db")
      yield* Effect.scoped(Effect.flatMap(SqliteStore.make({ file: other }), (store) => store.commit(user("zoe"))))
      const before = readFileSync(other)
      const file = join(path, "parley.db")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* running(file)
          for (const suffix of ["-wal", "-shm"]) renameSync(file + suffix, `${file}${suffix}.old`)
          copyFileSync(other, `${file}.new`)
          renameSync(`${file}.new`, file)
          writeFileSync(`${file}-wal`, "")
          yield* isRefused(store, "bob", `the file ${file} was replaced while the database was open`)
        })
      )
      assert.isTrue(before.equals(readFileSync(file)))
      assert.strictEqual(readFileSync(`${file}-wal`, "utf8"), "")
      assert.deepStrictEqual(accounts(file), ["zoe"])
    })
  )

  it.effect(
    "brings what was committed into the database file when the file beside it is deleted",
    Effect.fnUntraced(function* () {
      const file = yield* database
      const store = yield* running(file)
      rmSync(`${file}-wal`)
      yield* isRefused(store, "bob", `the file ${file}-wal was deleted while the database was open`)
      // As a crash leaves it: nothing but the database file.
      const copy = `${file}.copy`
      copyFileSync(file, copy)
      assert.include(accounts(copy), "ann")
    })
  )

  it.effect(
    "stays refused when the file comes back, until it is opened again",
    Effect.fnUntraced(function* () {
      const file = yield* database
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* running(file)
          renameSync(file, `${file}.away`)
          yield* isRefused(store, "bob", "was deleted")
          renameSync(`${file}.away`, file)
          yield* isRefused(store, "carol", "was deleted")
        })
      )
      const store = yield* SqliteStore.make({ file })
      yield* store.commit(user("dave"))
      const there = (yield* store.allUsers).map(({ account }) => account)
      assert.includeMembers(there, ["ann", "dave"])
      assert.notInclude(there, "carol")
    })
  )

  it.live("is noticed without a write, and logged once with instructions", () => {
    const logged: Array<string> = []
    let heard = (): void => {}
    const once = new Promise<void>((resolve) => (heard = resolve))
    const logger = Logger.make(({ logLevel, message }) => {
      logged.push(`${logLevel} ${String(message)}`)
      heard()
    })
    return Effect.gen(function* () {
      const file = yield* database
      const store = yield* running(file)
      rmSync(file)
      yield* Effect.promise(() => once)
      yield* isRefused(store, "bob", "was deleted")
      yield* isRefused(store, "carol", "was deleted")
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], `Error Database ${file}: the file ${file} was deleted while the database was open.`)
      assert.include(logged[0], "restart the server")
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
  })

  it.effect(
    "does not take the holder's note of the process that holds another one in its place",
    Effect.fnUntraced(function* () {
      const file = yield* database
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* running(file)
          writeFileSync(`${file}.holder`, "1\n")
        })
      )
      assert.strictEqual(readFileSync(`${file}.holder`, "utf8"), "1\n")
    })
  )
})

describe("a look at files in a directory that was not changed lately", () => {
  /** Returns once the file system's clock has gone on since the directory was changed. */
  const tick = (path: string, directory: string): void => {
    const { ctimeNs } = statSync(directory, { bigint: true })
    const marker = join(path, "marker")
    do writeFileSync(marker, "")
    while (statSync(marker, { bigint: true }).ctimeNs <= ctimeNs)
  }

  /** Files that were looked at twice, ten seconds after they were made: the second look was at the directory alone. */
  const watched = Effect.fnUntraced(function* (after = 10_000) {
    const path = yield* folder
    const directory = join(path, "data")
    mkdirSync(directory)
    const file = join(directory, "parley.db")
    for (const suffix of ["", "-wal", "-shm"]) writeFileSync(file + suffix, "")
    const files = new OpenFiles(file, () => Date.now() + after)
    assert.isUndefined(files.check())
    assert.isUndefined(files.check())
    tick(path, directory)
    return { file, directory, files }
  })

  it.effect.each(["", "-wal", "-shm"])(
    "finds %j deleted, renamed or replaced",
    Effect.fnUntraced(function* (suffix) {
      const changes: ReadonlyArray<readonly [isReplaced: boolean, change: (path: string) => void]> = [
        [false, (path) => rmSync(path)],
        [false, (path) => renameSync(path, `${path}.away`)],
        [
          true,
          (path) => {
            writeFileSync(`${path}.new`, "")
            renameSync(`${path}.new`, path)
          }
        ]
      ]
      for (const [isReplaced, change] of changes) {
        const { file, files } = yield* watched()
        change(file + suffix)
        assert.deepStrictEqual(files.check(), { path: file + suffix, isReplaced, isMain: suffix === "" })
      }
    })
  )

  it.effect(
    "finds a directory renamed, and another in its place",
    Effect.fnUntraced(function* () {
      const { directory, file, files } = yield* watched()
      renameSync(directory, `${directory}.away`)
      assert.deepStrictEqual(files.check(), { path: file, isReplaced: false, isMain: true })
      const other = yield* watched()
      renameSync(other.directory, `${other.directory}.away`)
      mkdirSync(other.directory)
      writeFileSync(other.file, "")
      assert.deepStrictEqual(other.files.check(), { path: other.file, isReplaced: true, isMain: true })
    })
  )

  it.effect(
    "finds no fault in other files that come and go",
    Effect.fnUntraced(function* () {
      const { directory, files } = yield* watched()
      for (let nth = 0; nth < 3; nth++) {
        writeFileSync(join(directory, "other"), "")
        assert.isUndefined(files.check())
        rmSync(join(directory, "other"))
        assert.isUndefined(files.check())
      }
    })
  )

  it.effect.each([0, -10_000])(
    "looks at each path where the directory's time says nothing yet, or lies ahead (clock off by %i ms)",
    Effect.fnUntraced(function* (off) {
      const { file, files } = yield* watched(off)
      rmSync(`${file}-shm`)
      assert.deepStrictEqual(files.check(), { path: `${file}-shm`, isReplaced: false, isMain: false })
    })
  )
})

describe.skipIf(process.platform === "win32")("the files of a database", () => {
  it.effect(
    "are for this user alone where they are made, whatever the process's mask",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      const modes = (file: string): ReadonlyArray<string> =>
        ["", "-wal", "-shm", ".lock", ".holder"].map((suffix) => (statSync(file + suffix).mode & 0o777).toString(8))
      const mask = yield* Effect.acquireRelease(
        Effect.sync(() => process.umask(0)),
        (before) => Effect.sync(() => process.umask(before))
      )
      assert.isNumber(mask)
      const file = join(path, "data", "deeper", "parley.db")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteStore.make({ file })
          yield* store.commit(user("ann"))
          assert.deepStrictEqual(modes(file), ["600", "600", "600", "600", "600"])
        })
      )
      assert.strictEqual(statSync(join(path, "data")).mode & 0o777, 0o700)
      assert.strictEqual(statSync(join(path, "data", "deeper")).mode & 0o777, 0o700)
    })
  )
})
