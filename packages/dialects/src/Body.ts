/**
 * The body of a request as JSON or as a form, for every protocol that comes in by HTTP. Its size is limited by the host.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { parseQuery, type Query } from "./Query.ts"

export type Body =
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "Form"; readonly fields: Query }

/** `problem` in words that follow "the body". */
export class UnreadableBody extends Data.TaggedError("UnreadableBody")<{
  readonly status: 400 | 413
  readonly problem: string
}> {}

/** Every runtime has it; this package's types name no runtime. */
declare const TextDecoder: new (
  encoding: "utf-8",
  options: { readonly fatal: true }
) => { readonly decode: (bytes: ArrayBuffer) => string }

const utf8 = new TextDecoder("utf-8", { fatal: true })

/**
 * Reads the body. A form is what says so by its content type; everything else is JSON, whatever the content type, since
 * real clients are careless with it.
 */
export const readBody = (request: HttpServerRequest): Effect.Effect<Body, UnreadableBody> =>
  request.arrayBuffer.pipe(
    Effect.mapError(({ reason }) =>
      reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
        ? new UnreadableBody({ status: 413, problem: "is too large" })
        : new UnreadableBody({ status: 400, problem: "could not be read" })
    ),
    Effect.flatMap((bytes) =>
      Effect.try({
        // What is not UTF-8 would otherwise be stored as question marks.
        try: () => utf8.decode(bytes),
        catch: () => new UnreadableBody({ status: 400, problem: "is not UTF-8" })
      })
    ),
    Effect.flatMap((text): Effect.Effect<Body, UnreadableBody> => {
      if (text.trim() === "") return Effect.succeed({ _tag: "Empty" })
      const type = (request.headers["content-type"] ?? "").toLowerCase()
      if (type.startsWith("application/x-www-form-urlencoded")) {
        return Effect.succeed({ _tag: "Form", fields: parseQuery(text) })
      }
      return Effect.try({
        try: (): Body => ({ _tag: "Json", value: JSON.parse(text) as unknown }),
        catch: () => new UnreadableBody({ status: 400, problem: "is not JSON" })
      })
    })
  )
