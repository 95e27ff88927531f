/**
 * Reads the fields of a JSON object one by one; a missing field or a wrong type is refused with the field's name. For
 * protocols whose bodies are JSON objects.
 */
import { type Refused, refuse } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { readBody } from "./body.ts"
import { JSON_LIMITS, type JsonLimits } from "./jsonLimits.ts"
import { UnreadableBody } from "./UnreadableBody.ts"

export type Fields = Readonly<Record<string, unknown>>

export const invalid = (field: string, problem: string): Refused => refuse({ _tag: "Invalid", field, problem })

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Reads the body as a JSON object; an empty body has no fields. */
export const readFields = (
  request: HttpServerRequest,
  limits: JsonLimits = JSON_LIMITS
): Effect.Effect<Fields, UnreadableBody> =>
  Effect.flatMap(readBody(request, "json", limits), (body) => {
    if (body._tag === "Empty") return Effect.succeed({})
    if (body._tag === "Json" && isFields(body.value)) return Effect.succeed(body.value)
    const problem = body._tag === "Form" ? "must be JSON, and Content-Type application/json" : "must be a JSON object"
    return Effect.fail(new UnreadableBody({ status: 400, problem }))
  })

/** Returns an own property, never an inherited one. */
export const field = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

/**
 * Returns the reason why a value is not a valid string; it completes the field's name. A lone surrogate, which JSON can
 * escape, is refused.
 */
export const textProblem = (value: unknown): string | undefined => {
  if (value === undefined) return "is missing"
  if (typeof value !== "string") return "must be a string"
  return value.isWellFormed() ? undefined : "must be well-formed Unicode"
}

export const text = (fields: Fields, name: string): Effect.Effect<string, Refused> => {
  const value = field(fields, name)
  const problem = textProblem(value)
  return problem === undefined ? Effect.succeed(String(value)) : invalid(name, problem)
}

export const integer = (fields: Fields, name: string): Effect.Effect<number, Refused> => {
  const value = field(fields, name)
  if (value === undefined) return invalid(name, "is missing")
  return typeof value === "number" && Number.isSafeInteger(value)
    ? Effect.succeed(value)
    : invalid(name, "must be an integer")
}
