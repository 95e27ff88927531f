/** Contents of files in memory. They are gone with the process, and take as much memory as they have bytes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Blobs, BlobTooLarge, NoSuchBlob } from "@parley/core/Blobs"

/** A fresh, empty one. */
export const make = (): Blobs["Service"] => {
  const kept = new Map<string, Uint8Array>()
  let puts = 0
  return Blobs.of({
    put: (content, limit) =>
      Effect.suspend(() => {
        let size = 0
        return content.pipe(
          Stream.mapEffect((chunk) => {
            size += chunk.length
            // A copy, since the sender may use the chunk's memory again.
            return size > limit ? Effect.fail(new BlobTooLarge({ limit })) : Effect.succeed(chunk.slice())
          }),
          Stream.mkUint8Array,
          Effect.map((bytes) => {
            const key = `${++puts}`
            kept.set(key, bytes)
            return { key, size }
          })
        )
      }),
    get: (key, range) =>
      Stream.suspend(() => {
        const whole = kept.get(key)
        if (whole === undefined) return Stream.fail(new NoSuchBlob({ key }))
        const part = range === undefined ? whole.slice() : whole.slice(range.start, range.end + 1)
        return part.length === 0 ? Stream.empty : Stream.succeed(part)
      }),
    remove: (key) =>
      Effect.sync(() => {
        kept.delete(key)
      })
  })
}

/** A fresh, empty one for each build of the layer. */
export const layer: Layer.Layer<Blobs> = Layer.sync(Blobs, make)
