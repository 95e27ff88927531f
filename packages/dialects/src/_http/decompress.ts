/** Bodies with a `Content-Encoding`, decompressed within a bound: a few bytes can stand for gigabytes. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { UnreadableBody } from "./UnreadableBody.ts"

/** Every runtime has these; this package's types name no runtime. */
interface Compression {
  readonly readable: unknown
  readonly writable: {
    readonly getWriter: () => {
      readonly write: (bytes: Uint8Array) => Promise<void>
      readonly close: () => Promise<void>
    }
  }
}
declare const DecompressionStream: new (format: string) => Compression

/** The codings of HTTP that change the bytes. Real clients declare others (`UTF-8` say), which are taken as none. */
const COMPRESSIONS: ReadonlySet<string> = new Set([
  "aes128gcm",
  "br",
  "compress",
  "dcb",
  "dcz",
  "deflate",
  "exi",
  "gzip",
  "pack200-gzip",
  "x-compress",
  "x-gzip",
  "zstd"
])

/** The codings that are read, by the names of the Compression Streams standard. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"]
])

/** The compressions that a `Content-Encoding` header names, in the order in which they were applied. */
export const compressionsIn = (header: string | undefined): ReadonlyArray<string> =>
  (header ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => COMPRESSIONS.has(coding))

export const unsupported = (coding: string): UnreadableBody =>
  new UnreadableBody({ status: 415, problem: `has the Content-Encoding ${coding}, which is not supported` })

const opened = (coding: string): Compression | undefined => {
  const format = FORMATS.get(coding)
  if (format === undefined) return undefined
  try {
    return new DecompressionStream(format)
  } catch {
    // Not every runtime has every format.
    return undefined
  }
}

/** The bytes without one compression; at most `limit` of them. */
export const decompressed = (
  bytes: Uint8Array,
  coding: string,
  limit: number
): Effect.Effect<Uint8Array, UnreadableBody> =>
  Effect.suspend(() => {
    const stream = opened(coding)
    if (stream === undefined) return Effect.fail(unsupported(coding))
    let size = 0
    const broken = () => new UnreadableBody({ status: 400, problem: `is not valid ${coding}` })
    const writer = stream.writable.getWriter()
    // A failure is seen on the side that is read.
    writer.write(bytes).then(
      () => writer.close().catch(() => {}),
      () => {}
    )
    return Stream.fromReadableStream<Uint8Array, UnreadableBody>({
      evaluate: () => stream.readable as never,
      onError: broken
    }).pipe(
      Stream.tap((chunk) => {
        size += chunk.length
        return size > limit ? Effect.fail(new UnreadableBody({ status: 413, problem: "is too large" })) : Effect.void
      }),
      Stream.mkUint8Array
    )
  })
