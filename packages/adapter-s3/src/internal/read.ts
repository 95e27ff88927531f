/** Reads an object as a stream. */
import { BlobFailed, NoSuchBlob } from "@parley/core/Blobs"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Bucket } from "./Bucket.ts"

/** Milliseconds without bytes after which a download is given up. */
const IDLE_TIMEOUT = 30_000

/** Bytes of a response; fails if none arrive for `IDLE_TIMEOUT` while they are wanted. The connection is closed at its end. */
const bytesOf = (response: Response): Stream.Stream<Uint8Array, BlobFailed> => {
  const { body } = response
  if (body === null) return Stream.empty
  return Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => body.getReader()),
        (reader) => Effect.promise(() => reader.cancel().catch(() => {}))
      ),
      (reader) => {
        const next = Effect.callback<Uint8Array | undefined, BlobFailed>((resume) => {
          const fail = (cause: unknown): void => resume(Effect.fail(new BlobFailed({ operation: "read", cause })))
          const timer = setTimeout(() => fail(new Error(`no bytes within ${IDLE_TIMEOUT} ms`)), IDLE_TIMEOUT)
          reader.read().then(
            ({ value }) => {
              clearTimeout(timer)
              resume(Effect.succeed(value))
            },
            (cause: unknown) => {
              clearTimeout(timer)
              fail(cause)
            }
          )
          return Effect.sync(() => clearTimeout(timer))
        })
        return Stream.unfold(undefined, () =>
          Effect.map(next, (bytes) => (bytes === undefined ? undefined : ([bytes, undefined] as const)))
        )
      }
    )
  )
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Cuts a response to the range: some services ignore a range, or return more. `start`: position of its first byte. */
const within = (
  content: Stream.Stream<Uint8Array, BlobFailed>,
  start: number,
  range: Range
): Stream.Stream<Uint8Array, BlobFailed> => {
  let at = start
  return content.pipe(
    Stream.map((bytes) => {
      const part = bytes.subarray(Math.max(0, range.start - at), Math.max(0, range.end + 1 - at))
      at += bytes.length
      return { part, isLast: at > range.end }
    }),
    Stream.takeUntil(({ isLast }) => isLast),
    Stream.map(({ part }) => part),
    Stream.filter((part) => part.length > 0)
  )
}

/** `valid` is the key if an object can have it. */
export const read = (
  bucket: Bucket,
  prefix: string,
  valid: string | undefined,
  key: string,
  range: Range | undefined
): Stream.Stream<Uint8Array, NoSuchBlob | BlobFailed> => {
  if (valid === undefined) return Stream.fail(new NoSuchBlob({ key }))
  const isEmpty = range !== undefined && range.end < range.start
  const headers: Record<string, string> =
    range === undefined || isEmpty ? {} : { range: `bytes=${range.start}-${range.end}` }
  return Stream.unwrap(
    Effect.map(
      // 416: the range begins after the end.
      bucket.request("read", prefix + valid, { method: isEmpty ? "HEAD" : "GET", headers, accepts: [404, 416] }),
      (response): Stream.Stream<Uint8Array, NoSuchBlob | BlobFailed> => {
        if (response.ok && !isEmpty) {
          const start = response.status === 206 ? (range?.start ?? 0) : 0
          return range === undefined ? bytesOf(response) : within(bytesOf(response), start, range)
        }
        const isMissing = response.status === 404
        return Stream.unwrap(
          Effect.as(
            Effect.promise(async () => response.body?.cancel()),
            isMissing ? Stream.fail(new NoSuchBlob({ key })) : Stream.empty
          )
        )
      }
    )
  )
}
