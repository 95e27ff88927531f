/**
 * What must be true of every place that keeps files, sentence by sentence of `Blobs`. A law fails with `LawBroken`; each
 * gets a place of its own, or one that others have used.
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Blobs } from "../ports/Blobs.ts"

export class LawBroken extends Data.TaggedError("LawBroken")<{ readonly message: string }> {}

export interface BlobsLaw {
  readonly name: string
  readonly check: Effect.Effect<void, unknown, Blobs>
}

const insist = (condition: boolean, message: string): Effect.Effect<void, LawBroken> =>
  condition ? Effect.void : Effect.fail(new LawBroken({ message }))

const AMPLE = 1024 * 1024 * 1024

/** `count` bytes that tell their place. */
const numbered = (count: number, from = 0): Uint8Array => Uint8Array.from({ length: count }, (_, n) => (from + n) % 251)

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

export const blobsLaws: ReadonlyArray<BlobsLaw> = [
  law("what was put can be got, and its size is told", function* () {
    const blobs = yield* Blobs
    const chunks = [numbered(1), numbered(70_000, 1), numbered(0), numbered(3, 70_001)]
    const { key, size } = yield* blobs.put(Stream.fromIterable(chunks), AMPLE)
    yield* insist(size === 70_004, `the size was told as ${size}`)
    yield* insist(same(yield* read(key), join(chunks)), "other bytes came back")
    yield* insist(same(yield* read(key), join(chunks)), "it can be read only once")
  }),
  law("empty content is content", function* () {
    const blobs = yield* Blobs
    const { key, size } = yield* blobs.put(Stream.empty, AMPLE)
    yield* insist(size === 0, `the size was told as ${size}`)
    yield* insist((yield* read(key)).length === 0, "bytes came back")
  }),
  law("keys are of its own choosing, and never the same", function* () {
    const blobs = yield* Blobs
    const put = blobs.put(Stream.make(numbered(5)), AMPLE)
    const first = yield* put
    const second = yield* put
    yield* insist(first.key !== second.key, "the same content got the same key")
    yield* blobs.remove(first.key)
    yield* insist((yield* read(second.key)).length === 5, "removing one removed the other")
  }),
  law("a range has both its ends, and is cut at the end of the content", function* () {
    const blobs = yield* Blobs
    const { key } = yield* blobs.put(Stream.make(numbered(100_000), numbered(100_000, 100_000)), AMPLE)
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
      yield* insist(same(part, all.slice(start, end + 1)), `bytes ${start} to ${end} are others`)
    }
    yield* insist(
      (yield* read(key, { start: 200_000, end: 200_010 })).length === 0,
      "there is something behind the end"
    )
    yield* insist((yield* read(key, { start: 10, end: 9 })).length === 0, "an empty range has bytes")
  }),
  law("content of just the limit is kept", function* () {
    const blobs = yield* Blobs
    const { size } = yield* blobs.put(Stream.make(numbered(60), numbered(40)), 100)
    yield* insist(size === 100, `the size was told as ${size}`)
  }),
  law("content over the limit fails with the limit, and is not read on", function* () {
    const blobs = yield* Blobs
    let taken = 0
    const endless = Stream.make(numbered(60)).pipe(
      Stream.forever,
      Stream.tap(() => {
        taken += 1
        return Effect.void
      })
    )
    const error = yield* Effect.flip(blobs.put(endless, 100))
    yield* insist(error._tag === "BlobTooLarge" && error.limit === 100, `it failed with ${error._tag}`)
    yield* insist(taken < 1000, "it was read on")
  }),
  law("content that fails fails the put with its own error", function* () {
    const blobs = yield* Blobs
    const broken = Stream.concat(Stream.make(numbered(10)), Stream.fail("the client hung up" as const))
    const error = yield* Effect.flip(blobs.put(broken, AMPLE))
    yield* insist(error === "the client hung up", "it failed with another error")
  }),
  law("a put can be interrupted", function* () {
    const blobs = yield* Blobs
    const begun = yield* Deferred.make<void>()
    const stuck = Stream.concat(
      Stream.make(numbered(10)),
      Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
    )
    const fiber = yield* Effect.forkChild(blobs.put(stuck, AMPLE))
    yield* Deferred.await(begun)
    yield* Fiber.interrupt(fiber)
  }),
  law("a reader may stop early", function* () {
    const blobs = yield* Blobs
    const { key } = yield* blobs.put(Stream.make(numbered(300_000)), AMPLE)
    yield* Stream.runDrain(Stream.take(blobs.get(key), 1))
    yield* insist((yield* read(key)).length === 300_000, "it cannot be read any more")
  }),
  law("what was removed is gone, and removing it again is no error", function* () {
    const blobs = yield* Blobs
    const { key } = yield* blobs.put(Stream.make(numbered(5)), AMPLE)
    yield* blobs.remove(key)
    yield* insist(yield* isMissing(key), "it is still there")
    yield* blobs.remove(key)
  }),
  law("an unknown key has no content, whatever it looks like", function* () {
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
      yield* insist(yield* isMissing(key), `there is something under ${JSON.stringify(key)}`)
      const part = yield* Effect.flip(read(key, { start: 5, end: 4 }))
      yield* insist(part._tag === "NoSuchBlob", "an empty range of nothing is something")
      yield* blobs.remove(key)
    }
  }),
  law("many puts at once do not mix", function* () {
    const blobs = yield* Blobs
    const kept = yield* Effect.forEach(
      Array.from({ length: 20 }, (_, n) => n),
      (n) => blobs.put(Stream.make(numbered(1000, n), numbered(1000, n)), AMPLE),
      { concurrency: "unbounded" }
    )
    for (const [n, { key }] of kept.entries()) {
      yield* insist(same(yield* read(key), join([numbered(1000, n), numbered(1000, n)])), "contents were mixed")
    }
  })
]
