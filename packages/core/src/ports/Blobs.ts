/** Port: contents of uploaded files. Laws: `testing/BlobsLaws`. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** The content exceeded the limit; nothing was stored. */
export class BlobTooLarge extends Data.TaggedError("BlobTooLarge")<{
  /** Maximum size in bytes. */
  readonly limit: number
}> {}

/** The key has no content. */
export class NoSuchBlob extends Data.TaggedError("NoSuchBlob")<{
  /** The requested key. */
  readonly key: string
}> {}

/** The blob storage failed; `operation` is the method that failed. */
export class BlobFailed extends Data.TaggedError("BlobFailed")<{
  /** Name of the operation, for the log. */
  readonly operation: string
  /** Error of the storage. */
  readonly cause: unknown
}> {}

/** Port: contents of files, by key. An implementation passes `blobsLaws`. */
export class Blobs extends Context.Service<
  Blobs,
  {
    /**
     * Stores the content durably under a key of its own choosing and returns key and size in bytes. Content that fails,
     * is interrupted or exceeds `limit` bytes leaves nothing behind. Memory use does not grow with the size.
     */
    readonly put: <E, R>(
      content: Stream.Stream<Uint8Array, E, R>,
      limit: number
    ) => Effect.Effect<{ readonly key: string; readonly size: number }, E | BlobTooLarge | BlobFailed, R>
    /** Bytes `start`…`end`, both included; all bytes without a range. */
    readonly get: (
      key: string,
      range?: { readonly start: number; readonly end: number }
    ) => Stream.Stream<Uint8Array, NoSuchBlob | BlobFailed>
    /** Removes the content; an unknown key is ignored. */
    readonly remove: (key: string) => Effect.Effect<void, BlobFailed>
  }
>()("@parley/core/Blobs") {}
