/**
 * Reads request bodies as JSON or as a form, for every protocol over HTTP. The host limits the size; the same limit applies
 * after decompression.
 */
import { nextTurn } from "@parley/core/Slices"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { compressionsIn, decompressed, unsupported } from "./decompress.ts"
import { isLarge, JSON_LIMITS, jsonProblem, type JsonLimits } from "./jsonLimits.ts"
import { fieldText, isFile, isMultipart, readParts } from "./multipart.ts"
import { EMPTY_QUERY, parseQuery, type Query, queryFrom } from "./query.ts"
import { UnreadableBody } from "./UnreadableBody.ts"
import { documentText } from "./utf8.ts"

export type Body =
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "Form"; readonly fields: Query }

/**
 * Bodies that a protocol's document allows. `json`: JSON only; a URL-encoded form is reported as `Form` without fields, so
 * that it can be refused. `{ fields }`: JSON or a form of at most that many fields, URL-encoded or multipart, optionally
 * compressed.
 */
export type Accepted = "json" | { readonly fields: number }

const bytesOf = (request: HttpServerRequest): Effect.Effect<Uint8Array, UnreadableBody> =>
  request.arrayBuffer.pipe(
    Effect.map((bytes) => new Uint8Array(bytes)),
    Effect.mapError(({ reason }) =>
      reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
        ? new UnreadableBody({ status: 413, problem: "is too large" })
        : new UnreadableBody({ status: 400, problem: "could not be read" })
    )
  )

/**
 * Reads the body. A content type of a form selects a form; any other content type is read as JSON, since real clients
 * often send a wrong one.
 */
export const readBody = Effect.fnUntraced(function* (
  request: HttpServerRequest,
  accepted: Accepted,
  limits: JsonLimits = JSON_LIMITS
): Effect.fn.Return<Body, UnreadableBody> {
  const type = request.headers["content-type"]
  const compressions = compressionsIn(request.headers["content-encoding"])
  // At most one: each further one would multiply the cost of a small body.
  if (compressions.length > (accepted === "json" ? 0 : 1)) return yield* unsupported(compressions.join(", "))
  if (accepted === "json") {
    if (isMultipart(type)) {
      return yield* new UnreadableBody({ status: 415, problem: "is multipart/form-data; only JSON is supported" })
    }
  }
  const limit = Number((yield* HttpIncomingMessage.MaxBodySize) ?? Number.POSITIVE_INFINITY)
  let bytes = yield* bytesOf(request)
  for (const coding of compressions) bytes = yield* decompressed(bytes, coding, limit)
  if (accepted !== "json" && isMultipart(type)) return yield* multipartBody(bytes, type, accepted.fields)
  const text = documentText(bytes)
  if (text === undefined) return yield* new UnreadableBody({ status: 400, problem: "is not UTF-8" })
  if (text.trim() === "") return { _tag: "Empty" }
  if ((type ?? "").toLowerCase().startsWith("application/x-www-form-urlencoded")) {
    if (accepted === "json") return { _tag: "Form", fields: EMPTY_QUERY }
    const fields = parseQuery(text, accepted.fields)
    if (Result.isFailure(fields)) return yield* new UnreadableBody({ status: 400, problem: fields.failure })
    return { _tag: "Form", fields: fields.success }
  }
  const problem = jsonProblem(text, limits)
  if (problem !== undefined) return yield* new UnreadableBody({ status: 413, problem })
  const value = yield* Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: () => new UnreadableBody({ status: 400, problem: "is not JSON" })
  })
  if (isLarge(text)) yield* nextTurn
  return { _tag: "Json", value }
})

/** Reads the fields of a multipart form; its files are ignored. */
const multipartBody = (
  bytes: Uint8Array,
  type: string | undefined,
  parts: number
): Effect.Effect<Body, UnreadableBody> => {
  const { length } = bytes
  const pairs: Array<readonly [string, string]> = []
  return readParts(Stream.make(bytes), type, { parts, field: length, total: length }, (part) =>
    isFile(part)
      ? Effect.void
      : Effect.map(fieldText(part, length), (value) => {
          pairs.push([part.name, value])
        })
  ).pipe(Effect.map((): Body => ({ _tag: "Form", fields: queryFrom(pairs) })))
}
