/** Contents of files in memory. They are gone with the process, and take as much memory as they have bytes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Blobs, BlobTooLarge, NoSuchBlob } from "@parley/core/Blobs"

const join = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** A fresh, empty one. */
export const make = (): Blobs["Service"] => {
  const kept = new Map<string, Uint8Array>()
  let puts = 0
  return Blobs.of({
    put: (content, limit) =>
      Effect.suspend(() => {
        const chunks: Array<Uint8Array> = []
        let size = 0
        return Stream.runForEach(content, (chunk) => {
          size += chunk.length
          if (size > limit) return Effect.fail(new BlobTooLarge({ limit }))
          // Whoever sends a chunk may use its memory again.
          chunks.push(chunk.slice())
          return Effect.void
        }).pipe(
          Effect.map(() => {
            const key = `${++puts}`
            kept.set(key, join(chunks, size))
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
