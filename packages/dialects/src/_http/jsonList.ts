/** Lists in JSON responses, encoded in slices, so that no list blocks the process. */
import { mapInSlices } from "@parley/core/Slices"
import * as Effect from "effect/Effect"

/** Available in every runtime; this package's types depend on no runtime. */
declare const TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }

const encoder = new TextEncoder()
const COMMA = encoder.encode(",")

/** JSON as UTF-8. */
export class EncodedJson {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** Encodes items as comma-separated JSON, `slice` at a time; one chunk for each slice. */
export const encodeItems = <A>(
  items: ReadonlyArray<A>,
  json: (item: A) => object,
  slice: number
): Effect.Effect<ReadonlyArray<Uint8Array>> => {
  const starts = Array.from({ length: Math.ceil(items.length / slice) }, (_, index) => index * slice)
  return mapInSlices(
    starts,
    (start) =>
      encoder.encode(
        items
          .slice(start, start + slice)
          .map((item) => JSON.stringify(json(item)))
          .join(",")
      ),
    1
  )
}

/** Returns the chunks of a list between the JSON before and after it. */
export const listBetween = (before: string, chunks: ReadonlyArray<Uint8Array>, after: string): EncodedJson =>
  new EncodedJson(
    joined([
      encoder.encode(before),
      ...chunks.flatMap((chunk, index) => (index === 0 ? [chunk] : [COMMA, chunk])),
      encoder.encode(after)
    ])
  )

const joined = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
