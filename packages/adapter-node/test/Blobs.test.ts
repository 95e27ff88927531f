import { Blobs } from "@parley/core/Blobs"
import { blobsLaws } from "@parley/core/testing/BlobsLaws"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as MemoryBlobs from "../../adapter-memory/src/MemoryBlobs.ts"
import * as FileBlobs from "../src/FileBlobs.ts"

const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "parley-blobs-"))),
  (directory) => Effect.promise(() => fs.rm(directory, { recursive: true, force: true }))
)

const withBlobs = <A, E>(use: (directory: string) => Effect.Effect<A, E, Blobs>) =>
  Effect.gen(function* () {
    const directory = yield* temporary
    return yield* use(directory).pipe(Effect.provide(FileBlobs.layer({ directory })))
  })

/** Every file below a directory. */
const files = (directory: string) =>
  Effect.promise(async () => {
    const entries = await fs.readdir(directory, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  })

const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(7)

describe("the laws of blobs, on disk", () => {
  for (const law of blobsLaws) it.live(law.name, () => withBlobs(() => law.check))
})

describe("the laws of blobs, in memory", () => {
  for (const law of blobsLaws) it.live(law.name, () => law.check.pipe(Effect.provide(MemoryBlobs.layer)))
})

describe("files on disk", () => {
  it.live("content that fails, is too large or is interrupted leaves no file", () =>
    withBlobs((directory) =>
      Effect.gen(function* () {
        const blobs = yield* Blobs
        yield* Effect.flip(blobs.put(Stream.concat(Stream.make(bytes(10)), Stream.fail("no")), 100))
        yield* Effect.flip(blobs.put(Stream.make(bytes(101)), 100))
        const begun = yield* Deferred.make<void>()
        const stuck = Stream.concat(
          Stream.make(bytes(10)),
          Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
        )
        const fiber = yield* Effect.forkChild(blobs.put(stuck, 100))
        yield* Deferred.await(begun)
        assert.strictEqual((yield* files(directory)).length, 1)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* files(directory), [])
      })
    )
  )

  it.live("cannot be put once the directory is gone, and do not make a new one", () =>
    withBlobs((directory) =>
      Effect.gen(function* () {
        const blobs = yield* Blobs
        yield* blobs.put(Stream.make(bytes(10)), 100)
        const deleted = Stream.fromEffect(
          Effect.promise(async () => {
            await fs.rm(directory, { recursive: true })
            return bytes(1)
          })
        )
        const during = yield* Effect.flip(blobs.put(deleted, 100))
        assert.strictEqual(during._tag, "BlobFailed")
        const after = yield* Effect.flip(blobs.put(Stream.make(bytes(10)), 100))
        assert(after._tag === "BlobFailed")
        assert.strictEqual(after.operation, "create")
        assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(directory).catch(() => "none")), "none")
      })
    )
  )

  it.live.skipIf(process.platform === "win32")("are for this user alone, whatever the process's mask", () =>
    Effect.gen(function* () {
      const directory = path.join(yield* temporary, "files")
      yield* Effect.acquireRelease(
        Effect.sync(() => process.umask(0)),
        (before) => Effect.sync(() => process.umask(before))
      )
      yield* Effect.gen(function* () {
        const { key } = yield* (yield* Blobs).put(Stream.make(bytes(10)), 100)
        const above = path.join(directory, key.slice(0, 2))
        const below = path.join(above, key.slice(2, 4))
        for (const folder of [directory, path.join(directory, "incoming"), above, below]) {
          assert.strictEqual((yield* Effect.promise(() => fs.stat(folder))).mode & 0o777, 0o700, folder)
        }
        const file = yield* Effect.promise(() => fs.stat(path.join(below, key)))
        assert.strictEqual(file.mode & 0o777, 0o600)
      }).pipe(Effect.provide(FileBlobs.layer({ directory })))
    })
  )

  it.live("lie two folders deep under their own random names", () =>
    withBlobs((directory) =>
      Effect.gen(function* () {
        const blobs = yield* Blobs
        const { key } = yield* blobs.put(Stream.make(bytes(3)), 100)
        assert.match(key, /^[0-9a-f]{32}$/)
        assert.deepStrictEqual(yield* files(directory), [path.join(directory, key.slice(0, 2), key.slice(2, 4), key)])
      })
    )
  )

  it.live("stay after the process that wrote them, and old unfinished ones are cleared away", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const layer = FileBlobs.layer({ directory })
      const { key } = yield* Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.make(bytes(3)), 100)).pipe(
        Effect.provide(layer)
      )
      const incoming = path.join(directory, "incoming")
      const hoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
      yield* Effect.promise(async () => {
        await fs.writeFile(path.join(incoming, "old"), "half a fi")
        await fs.utimes(path.join(incoming, "old"), hoursAgo, hoursAgo)
        await fs.writeFile(path.join(incoming, "new"), "another process is at it")
      })
      const found = yield* Effect.flatMap(Blobs, (blobs) => Stream.runCollect(blobs.get(key))).pipe(
        Effect.provide(layer)
      )
      assert.deepStrictEqual(
        found.map((chunk) => Array.from(chunk)),
        [[7, 7, 7]]
      )
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(incoming)), ["new"])
    })
  )

  it.live("a directory that cannot be made is told at once", () =>
    Effect.gen(function* () {
      const directory = path.join(yield* temporary, "file")
      yield* Effect.promise(() => fs.writeFile(directory, ""))
      const error = yield* Effect.flip(Effect.scoped(Layer.build(FileBlobs.layer({ directory }))))
      assert.strictEqual(error.operation, "open")
    })
  )
})
