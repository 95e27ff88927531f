import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, existsSync, linkSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as DatabaseLock from "../src/internal/DatabaseLock.ts"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { folder } from "./folder.ts"

const holding = fileURLToPath(new URL("./holdLock.ts", import.meta.url))

const ONE_PROCESS = "and a SQLite file serves one process: stop the other one, or use PostgreSQL for several."

describe("the lock of a database", () => {
  it.effect(
    "is refused to a second store of the same process, under any name of the file, and free once closed",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      const file = join(path, "parley.db")
      yield* Effect.scoped(SqliteStore.make({ file }))
      symlinkSync(file, join(path, "link.db"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* SqliteStore.make({ file })
          for (const name of [
            file,
            join(path, "link.db"),
            join(path, "..", path.split("/").pop() ?? "", "parley.db")
          ]) {
            const error = yield* Effect.flip(Effect.scoped(SqliteStore.make({ file: name })))
            assert.strictEqual(
              error.message,
              `The database ${name} is open in this process already: close that engine first, or keep one engine when modules are loaded again.`
            )
          }
          const error = yield* Effect.flip(Effect.scoped(DatabaseLock.acquire(file)))
          assert.strictEqual(error._tag, "DatabaseError")
        })
      )
      assert.isFalse(existsSync(`${file}.holder`))
      yield* Effect.scoped(DatabaseLock.acquire(file))
    })
  )

  it.effect(
    "of another process is refused with its id, and free as soon as that is killed",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const child = spawn(process.execPath, [holding, file], { stdio: ["ignore", "pipe", "inherit"] })
      yield* Effect.promise(() => once(child.stdout, "data"))
      const error = yield* Effect.flip(Effect.scoped(DatabaseLock.acquire(file)))
      assert.strictEqual(
        error.message,
        `The database ${file} is held by another Parley server (process ${child.pid}), ${ONE_PROCESS}`
      )
      assert.strictEqual(readFileSync(`${file}.holder`, "utf8").trim(), `${child.pid}`)
      child.kill("SIGKILL")
      yield* Effect.promise(() => once(child, "exit"))
      assert.strictEqual(yield* Effect.scoped(DatabaseLock.acquire(file)), file)
    })
  )

  it.effect(
    "names nobody when the holder did not say who it is",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* DatabaseLock.acquire(file)
          writeFileSync(`${file}.holder`, "")
          const error = yield* Effect.flip(Effect.scoped(DatabaseLock.acquire(file)))
          assert.strictEqual(error.message, `The database ${file} is held by another Parley server, ${ONE_PROCESS}`)
        })
      )
    })
  )

  it.effect(
    "follows the file: a hard link is refused, by another process too, and so is a lock whose file was deleted",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      const [file, link] = [join(path, "parley.db"), join(path, "link.db")]
      yield* Effect.scoped(SqliteStore.make({ file }))
      const child = spawn(process.execPath, [holding, file], { stdio: ["ignore", "pipe", "inherit"] })
      yield* Effect.promise(() => once(child.stdout, "data"))
      linkSync(file, link)
      const linked = yield* Effect.flip(Effect.scoped(DatabaseLock.acquire(link)))
      assert.include(linked.message, `The database ${link} has 2 names (hard links)`)
      rmSync(link)
      rmSync(`${file}.lock`)
      const unlocked = yield* Effect.flip(Effect.scoped(DatabaseLock.acquire(file)))
      assert.strictEqual(
        unlocked.message,
        `The database ${file} is held by another Parley server (process ${child.pid}), ${ONE_PROCESS}`
      )
      child.kill("SIGKILL")
      yield* Effect.promise(() => once(child, "exit"))
      yield* Effect.scoped(DatabaseLock.acquire(file))
      linkSync(file, link)
      const free = yield* Effect.flip(Effect.scoped(SqliteStore.make({ file })))
      assert.include(free.message, "hard links")
      copyFileSync(link, join(path, "copy.db"))
      yield* Effect.scoped(SqliteStore.make({ file: join(path, "copy.db") }))
    })
  )
})
