/** JSON values of scenario files and of the wire. */
import * as Schema from "effect/Schema"

export type Json = Schema.Json
export type JsonObject = { readonly [key: string]: Json }

/** True for `{…}`, false for arrays, `null` and scalars. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isArray = (value: unknown): value is ReadonlyArray<Json> => Array.isArray(value)

/**
 * The deepest nesting that is parsed; no value of the documents nests deeper. It bounds recursive functions, so that a
 * server cannot exhaust the stack.
 */
const deepest = 200

const isTooDeep = (text: string): boolean => {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (quoted) {
      if (code === 92) at++
      else if (code === 34) quoted = false
    } else if (code === 34) quoted = true
    else if (code === 91 || code === 123) {
      if (++depth > deepest) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}

/**
 * Parses a JSON text. Returns `undefined` if it is not JSON or nests deeper than 200 levels.
 */
export const parse = (text: string): Json | undefined => {
  try {
    if (text.length > deepest && isTooDeep(text)) return undefined
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

/** Equal as JSON values; the order of an object's fields does not count. */
export const equals = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, index) => equals(item, b[index]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equals(a[key], b[key]))
}

/** An object's own field; `undefined` if it is missing or inherited. */
export const field = (value: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined

/** The text cut to `limit` characters. `Redactor` removes secrets. */
export const printable = (text: string, limit = 2_000): string =>
  text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text

/** A value on one line for a report; `nothing` for a missing field. */
export const show = (value: Json | undefined, limit = 600): string =>
  value === undefined ? "nothing" : printable(JSON.stringify(value), limit)
