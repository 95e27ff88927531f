/** Stores file contents in memory; they are lost when the process ends. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Blobs, BlobTooLarge, NoSuchBlob } from "@parley/core/Blobs"

/** Returns a new, empty blob store. */
export const make = (): Blobs["Service"] => {
  const contents = new Map<string, Uint8Array>()
  let puts = 0
  return Blobs.of({
    put: (content, limit) =>
      Effect.suspend(() => {
        let size = 0
        return content.pipe(
          Stream.mapEffect((chunk) => {
            size += chunk.length
            // Copied: the producer may reuse the memory of the chunk.
            return size > limit ? Effect.fail(new BlobTooLarge({ limit })) : Effect.succeed(chunk.slice())
          }),
          Stream.mkUint8Array,
          Effect.map((bytes) => {
            const key = `${++puts}`
            contents.set(key, bytes)
            return { key, size }
          })
        )
      }),
    get: (key, range) =>
      Stream.suspend(() => {
        const whole = contents.get(key)
        if (whole === undefined) return Stream.fail(new NoSuchBlob({ key }))
        const part = range === undefined ? whole.slice() : whole.slice(range.start, range.end + 1)
        return part.length === 0 ? Stream.empty : Stream.succeed(part)
      }),
    remove: (key) =>
      Effect.sync(() => {
        contents.delete(key)
      })
  })
}

/** A new, empty blob store for each build of the layer. */
export const layer: Layer.Layer<Blobs> = Layer.sync(Blobs, make)
