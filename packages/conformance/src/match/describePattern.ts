/** Describes patterns to readers who do not know the matchers. */
import { isArray, isObject, type Json, type JsonObject } from "../Json.ts"
import { reading } from "../requirements/Requirements.ts"

const keysOf = (named: Json | undefined): JsonObject =>
  isObject(named)
    ? Object.fromEntries(
        Object.entries(named).map(([id, pattern]) => {
          const forms = reading(id)?.forms ?? [id]
          return [forms.map((form) => (typeof form === "string" ? form : JSON.stringify(form))).join(" or "), pattern]
        })
      )
    : {}

/**
 * The pattern without captures and tolerated forms; a field with several documented names stands under all of them.
 */
export const describePattern = (pattern: Json): Json => {
  if (isArray(pattern)) return pattern.map(describePattern)
  if (!isObject(pattern)) return pattern
  const [first] = [pattern["$lenient"]].flat()
  if (first !== undefined) return describePattern(first)
  const captured = pattern["$capture"]
  if (isArray(captured)) return describePattern(captured[1] ?? "$any")
  const options = pattern["$anyOf"]
  if (isArray(options) && options.length === 1 && options[0] !== undefined) return describePattern(options[0])
  const { $reading: named, ...rest } = pattern
  return Object.fromEntries(
    Object.entries({ ...rest, ...(typeof named === "string" ? { $reading: named } : keysOf(named)) }).map(
      ([key, value]) => [key, describePattern(value)]
    )
  )
}
