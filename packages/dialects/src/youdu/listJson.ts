/** Responses with long lists: encoded in slices, so that no list blocks the process. */
import { mapInSlices } from "@parley/core/Slices"
import { textBytes } from "@parley/core/Utf8"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { joined } from "./envelopeBlocks.ts"
import type { FileCipher } from "./envelopeFiles.ts"
import { OK } from "./responses.ts"

/** Items that are encoded before other work runs; an organisation may have 100,000 users. */
const ITEMS_PER_SLICE = 500
const COMMA = textBytes(",")

/** The fields of a response as UTF-8, without the opening brace. */
export class ListJson {
  readonly chunks: ReadonlyArray<Uint8Array>

  constructor(chunks: ReadonlyArray<Uint8Array>) {
    this.chunks = chunks
  }
}

/** Encodes `fields`, and the items as the last field `name`. */
export const listJson = <A>(
  name: string,
  items: ReadonlyArray<A>,
  json: (item: A) => object,
  fields: object = {}
): Effect.Effect<ListJson> => {
  const starts = Array.from(
    { length: Math.ceil(items.length / ITEMS_PER_SLICE) },
    (_, index) => index * ITEMS_PER_SLICE
  )
  const encoded = mapInSlices(
    starts,
    (start) =>
      textBytes(
        items
          .slice(start, start + ITEMS_PER_SLICE)
          .map((item) => JSON.stringify(json(item)))
          .join(",")
      ),
    1
  )
  const first = JSON.stringify({ ...fields, [name]: [] }).slice(1, -2)
  return Effect.map(
    encoded,
    (slices) =>
      new ListJson([
        textBytes(first),
        ...slices.flatMap((slice, index) => (index === 0 ? [slice] : [COMMA, slice])),
        textBytes("]}")
      ])
  )
}

const responseOf = (...parts: ReadonlyArray<Uint8Array>): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.uint8Array(joined(...parts), { contentType: "application/json" })

export const plainList = ({ chunks }: ListJson): HttpServerResponse.HttpServerResponse =>
  responseOf(textBytes(`${JSON.stringify(OK).slice(0, -1)},`), ...chunks)

/** Seals the fields piece by piece. */
export const sealedList = (
  files: FileCipher,
  { chunks }: ListJson
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const content = [textBytes("{"), ...chunks]
  const size = content.reduce((sum, { length }) => sum + length, 0)
  return Effect.map(Stream.runCollect(files.seal(Stream.fromIterable(content), size)), (sealed) =>
    responseOf(textBytes(`${JSON.stringify(OK).slice(0, -1)},"encrypt":"`), ...sealed, textBytes('"}'))
  )
}
