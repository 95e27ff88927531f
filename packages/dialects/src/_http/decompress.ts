/** Decompresses bodies with a `Content-Encoding` up to a size limit: a few bytes can expand to gigabytes. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { UnreadableBody } from "./UnreadableBody.ts"

/** Available in every runtime; this package's types depend on no runtime. */
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

/** HTTP content codings that change the bytes. Others that real clients send, such as `UTF-8`, are ignored. */
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

/** Supported codings, with their names in the Compression Streams standard. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"]
])

/** Returns the compressions in a `Content-Encoding` header, in the order in which they were applied. */
export const compressionsIn = (header: string | undefined): ReadonlyArray<string> =>
  (header ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => COMPRESSIONS.has(coding))

export const unsupported = (coding: string): UnreadableBody =>
  new UnreadableBody({ status: 415, problem: `has the Content-Encoding ${coding}, which is not supported` })

const openDecompressor = (coding: string): Compression | undefined => {
  const format = FORMATS.get(coding)
  if (format === undefined) return undefined
  try {
    return new DecompressionStream(format)
  } catch {
    // Some runtimes lack some formats.
    return undefined
  }
}

/** Returns the bytes after undoing one compression; fails if there are more than `limit`. */
export const decompressed = (
  bytes: Uint8Array,
  coding: string,
  limit: number
): Effect.Effect<Uint8Array, UnreadableBody> =>
  Effect.suspend(() => {
    const stream = openDecompressor(coding)
    if (stream === undefined) return Effect.fail(unsupported(coding))
    let size = 0
    const invalidData = () => new UnreadableBody({ status: 400, problem: `is not valid ${coding}` })
    const writer = stream.writable.getWriter()
    // Failures are reported by the readable side.
    writer.write(bytes).then(
      () => writer.close().catch(() => {}),
      () => {}
    )
    return Stream.fromReadableStream<Uint8Array, UnreadableBody>({
      evaluate: () => stream.readable as never,
      onError: invalidData
    }).pipe(
      Stream.tap((chunk) => {
        size += chunk.length
        return size > limit ? Effect.fail(new UnreadableBody({ status: 413, problem: "is too large" })) : Effect.void
      }),
      Stream.mkUint8Array
    )
  })
