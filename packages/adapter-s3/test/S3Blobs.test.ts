/** Files on an S3 server. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as S3Blobs from "@parley/adapter-s3/S3Blobs"
import { Blobs } from "@parley/core/Blobs"
import { blobsLaws } from "@parley/core/testing/BlobsLaws"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { BUCKET, credentials, startS3 } from "./s3.ts"

let server: Awaited<ReturnType<typeof startS3>>
beforeAll(async () => {
  server = await startS3()
})
afterAll(() => server.stop())

const layerAt = (endpoint: string, options: Partial<S3Blobs.Options> = {}) =>
  S3Blobs.layer({ bucket: BUCKET, prefix: "files/", endpoint, ...credentials, ...options })

const withBlobs = <A, E>(use: Effect.Effect<A, E, Blobs>) =>
  Effect.suspend(() => Effect.provide(use, layerAt(server.endpoint), { local: true }))

/** Names of the objects. */
const objects = () => readdirSync(join(server.folder, BUCKET, "files"))

const MIB = 1024 * 1024

/** Chunks of one MiB; each byte is the number of its chunk. */
const chunks = (count: number) => Stream.map(Stream.range(0, count - 1), (n) => new Uint8Array(MIB).fill(n))

describe("the laws of blobs, on S3", () => {
  for (const law of blobsLaws) it.live(law.name, () => withBlobs(law.check))
})

describe("files on S3", () => {
  it.live.each([8, 9])("of %i MiB are stored in parts, and read in ranges", (count) =>
    withBlobs(
      Effect.gen(function* () {
        const blobs = yield* Blobs
        const { key, size } = yield* blobs.put(chunks(count), 100 * MIB)
        assert.strictEqual(size, count * MIB)
        const range = { start: 8 * MIB - 2, end: 8 * MIB + 1 }
        const read = yield* Stream.runCollect(blobs.get(key, range))
        const bytes = Array.from(Buffer.concat(read))
        assert.deepStrictEqual(bytes, count > 8 ? [7, 7, 8, 8] : [7, 7])
        const total = yield* Stream.runFold(
          blobs.get(key),
          () => 0,
          (sum, chunk) => sum + chunk.length
        )
        assert.strictEqual(total, size)
        yield* blobs.remove(key)
      })
    )
  )

  it.live("that fail, are too large or are interrupted leave nothing, in parts too", () =>
    withBlobs(
      Effect.gen(function* () {
        const blobs = yield* Blobs
        const before = objects()
        server.requests.length = 0
        for (const count of [1, 9]) {
          yield* Effect.flip(blobs.put(Stream.concat(chunks(count), Stream.fail("no")), 100 * MIB))
          yield* Effect.flip(blobs.put(chunks(count), count * MIB - 1))
          const begun = yield* Deferred.make<void>()
          const stuck = Stream.concat(
            chunks(count),
            Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
          )
          const fiber = yield* Effect.forkChild(blobs.put(stuck, 100 * MIB))
          yield* Deferred.await(begun)
          yield* Fiber.interrupt(fiber)
        }
        assert.deepStrictEqual(objects(), before)
        // The server of the tests keeps parts of an upload that was ended, unlike others.
        const of = (pattern: RegExp) => server.requests.filter((one) => pattern.test(one)).length
        assert.deepStrictEqual([of(/^POST .*\?uploads=$/), of(/^DELETE .*\?uploadId=/)], [3, 3])
      })
    )
  )

  it.live("fail with the reason, without credentials, if the service refuses or is gone", () =>
    Effect.gen(function* () {
      const failure = (endpoint: string, options: Partial<S3Blobs.Options>) =>
        Effect.flatMap(Blobs, (blobs) => Effect.flip(blobs.put(Stream.make(new Uint8Array(3)), 10))).pipe(
          Effect.provide(layerAt(endpoint, options), { local: true }),
          Effect.map((error) => (error._tag === "BlobFailed" ? String(error.cause) : error._tag))
        )
      const refused = yield* failure(server.endpoint, { secretAccessKey: "wr0ng" })
      assert.include(refused, "403 SignatureDoesNotMatch")
      assert.notInclude(refused, "wr0ng")
      assert.include(yield* failure(server.endpoint, { bucket: "missing" }), "404 NoSuchBucket")
      assert.include(yield* failure("http://127.0.0.1:1", {}), "fetch failed")
    })
  )

  it.live("are stored after failures that pass", () =>
    Effect.gen(function* () {
      const methods: Array<string> = []
      const replies = [503, 500, 200]
      const flaky = yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<ReturnType<typeof createServer>>((resolve) => {
              const started = createServer((request: IncomingMessage, response: ServerResponse) => {
                methods.push(request.method ?? "")
                request.resume().on("end", () => response.writeHead(replies.shift() ?? 200).end())
              }).listen(0, "127.0.0.1", () => resolve(started))
            })
        ),
        (started) => Effect.sync(() => started.close())
      )
      const { port } = flaky.address() as AddressInfo
      yield* Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.make(new Uint8Array(3)), 10)).pipe(
        Effect.provide(layerAt(`http://127.0.0.1:${port}`), { local: true })
      )
      assert.deepStrictEqual(methods, ["PUT", "PUT", "PUT"])
    }).pipe(Effect.scoped)
  )
})

describe("options of S3Blobs.layer", () => {
  it.each([
    [{ bucket: "No" }, "The option bucket must be the name of a bucket"],
    [{ endpoint: "127.0.0.1:9000" }, "The option endpoint must be the URL of a service without a path"],
    [{ endpoint: "http://127.0.0.1/x" }, "The option endpoint must be the URL of a service without a path"],
    [{ secretAccessKey: 7 as unknown as string }, "The option secretAccessKey must be a string"]
  ])("%j is refused", (options, message) => {
    assert.throws(() => layerAt("http://127.0.0.1:1", options), message)
  })
})
