/**
 * Laws of `Blobs`: one for each sentence of the port. A law fails with `LawBroken`; each runs on an empty store or on
 * one that others have used.
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Blobs } from "../ports/Blobs.ts"

/** A law does not hold. */
export class LawBroken extends Data.TaggedError("LawBroken")<{
  /** Expected and actual behaviour, in one sentence. */
  readonly message: string
}> {}

/** One law: fails with `LawBroken` if it does not hold. */
export interface BlobsLaw {
  /** The law, in one sentence. */
  readonly name: string
  /** Fails if the law does not hold; needs the store under test. */
  readonly check: Effect.Effect<void, unknown, Blobs>
}

const insist = (condition: boolean, message: string): Effect.Effect<void, LawBroken> =>
  condition ? Effect.void : Effect.fail(new LawBroken({ message }))

const NO_LIMIT = 1024 * 1024 * 1024

/** Returns `count` bytes that depend on their position. */
const pattern = (count: number, from = 0): Uint8Array => Uint8Array.from({ length: count }, (_, n) => (from + n) % 251)

const join = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => chunks.flatMap((chunk) => Array.from(chunk))

const same = (left: ReadonlyArray<number>, right: ReadonlyArray<number>): boolean =>
  left.length === right.length && left.every((byte, n) => byte === right[n])

const read = Effect.fnUntraced(function* (key: string, range?: { readonly start: number; readonly end: number }) {
  const blobs = yield* Blobs
  return join(yield* Stream.runCollect(blobs.get(key, range)))
})

const isMissing = (key: string) =>
  read(key).pipe(
    Effect.as(false),
    Effect.catchTag("NoSuchBlob", (error) => Effect.succeed(error.key === key))
  )

const law = (name: string, check: () => Effect.fn.Return<void, unknown, Blobs>): BlobsLaw => ({
  name,
  check: Effect.gen(check)
})

/** The laws of `Blobs`, for any test runner. */
export const blobsLaws: ReadonlyArray<BlobsLaw> = [
  law("stored content can be read, and its size is returned", function* () {
    const blobs = yield* Blobs
    const chunks = [pattern(1), pattern(70_000, 1), pattern(0), pattern(3, 70_001)]
    const { key, size } = yield* blobs.put(Stream.fromIterable(chunks), NO_LIMIT)
    yield* insist(size === 70_004, `the size was returned as ${size}`)
    yield* insist(same(yield* read(key), join(chunks)), "other bytes came back")
    yield* insist(same(yield* read(key), join(chunks)), "it can be read only once")
  }),
  law("empty content can be stored", function* () {
    const blobs = yield* Blobs
    const { key, size } = yield* blobs.put(Stream.empty, NO_LIMIT)
    yield* insist(size === 0, `the size was returned as ${size}`)
    yield* insist((yield* read(key)).length === 0, "bytes came back")
  }),
  law("keys are generated, and unique", function* () {
    const blobs = yield* Blobs
    const put = blobs.put(Stream.make(pattern(5)), NO_LIMIT)
    const first = yield* put
    const second = yield* put
    yield* insist(first.key !== second.key, "the same content got the same key")
    yield* blobs.remove(first.key)
    yield* insist((yield* read(second.key)).length === 5, "removing one removed the other")
  }),
  law("a range includes both its ends, and is cut at the end of the content", function* () {
    const blobs = yield* Blobs
    const { key } = yield* blobs.put(Stream.make(pattern(100_000), pattern(100_000, 100_000)), NO_LIMIT)
    const all = yield* read(key)
    for (const [start, end] of [
      [0, 0],
      [0, 199_999],
      [99_999, 100_000],
      [65_535, 131_073],
      [199_999, 199_999],
      [199_990, 300_000]
    ] as const) {
      const part = yield* read(key, { start, end })
      yield* insist(same(part, all.slice(start, end + 1)), `bytes ${start} to ${end} differ`)
    }
    yield* insist((yield* read(key, { start: 200_000, end: 200_010 })).length === 0, "there are bytes after the end")
    yield* insist((yield* read(key, { start: 10, end: 9 })).length === 0, "an empty range has bytes")
  }),
  law("content of exactly the limit is stored", function* () {
    const blobs = yield* Blobs
    const { size } = yield* blobs.put(Stream.make(pattern(60), pattern(40)), 100)
    yield* insist(size === 100, `the size was returned as ${size}`)
  }),
  law("content over the limit fails with the limit, and is not read further", function* () {
    const blobs = yield* Blobs
    let taken = 0
    const endless = Stream.make(pattern(60)).pipe(
      Stream.forever,
      Stream.tap(() => {
        taken += 1
        return Effect.void
      })
    )
    const error = yield* Effect.flip(blobs.put(endless, 100))
    yield* insist(error._tag === "BlobTooLarge" && error.limit === 100, `it failed with ${error._tag}`)
    yield* insist(taken < 1000, "it was read further")
  }),
  law("content that fails fails the put with its own error", function* () {
    const blobs = yield* Blobs
    const broken = Stream.concat(Stream.make(pattern(10)), Stream.fail("the client disconnected" as const))
    const error = yield* Effect.flip(blobs.put(broken, NO_LIMIT))
    yield* insist(error === "the client disconnected", "it failed with another error")
  }),
  law("a put can be interrupted", function* () {
    const blobs = yield* Blobs
    const begun = yield* Deferred.make<void>()
    const stuck = Stream.concat(
      Stream.make(pattern(10)),
      Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
    )
    const fiber = yield* Effect.forkChild(blobs.put(stuck, NO_LIMIT))
    yield* Deferred.await(begun)
    yield* Fiber.interrupt(fiber)
  }),
  law("a reader can stop early", function* () {
    const blobs = yield* Blobs
    const { key } = yield* blobs.put(Stream.make(pattern(300_000)), NO_LIMIT)
    yield* Stream.runDrain(Stream.take(blobs.get(key), 1))
    yield* insist((yield* read(key)).length === 300_000, "it cannot be read any more")
  }),
  law("removed content is gone, and a repeated removal succeeds", function* () {
    const blobs = yield* Blobs
    const { key } = yield* blobs.put(Stream.make(pattern(5)), NO_LIMIT)
    yield* blobs.remove(key)
    yield* insist(yield* isMissing(key), "it is still there")
    yield* blobs.remove(key)
  }),
  law("an unknown key has no content, whatever its form", function* () {
    const blobs = yield* Blobs
    for (const key of [
      "",
      ".",
      "..",
      "../secret",
      "/etc/passwd",
      "0".repeat(32),
      "a\u0000b",
      "incoming",
      "__proto__"
    ]) {
      yield* insist(yield* isMissing(key), `there is content under ${JSON.stringify(key)}`)
      const part = yield* Effect.flip(read(key, { start: 5, end: 4 }))
      yield* insist(part._tag === "NoSuchBlob", "an empty range of an unknown key has content")
      yield* blobs.remove(key)
    }
  }),
  law("concurrent puts do not mix", function* () {
    const blobs = yield* Blobs
    const blobsPut = yield* Effect.forEach(
      Array.from({ length: 20 }, (_, n) => n),
      (n) => blobs.put(Stream.make(pattern(1000, n), pattern(1000, n)), NO_LIMIT),
      { concurrency: "unbounded" }
    )
    for (const [n, { key }] of blobsPut.entries()) {
      yield* insist(same(yield* read(key), join([pattern(1000, n), pattern(1000, n)])), "contents were mixed")
    }
  })
]
