/** JSON values as they stand in scenario files and on the wire. */
import * as Schema from "effect/Schema"

export type Json = Schema.Json
export type JsonObject = { readonly [key: string]: Json }

/** True for `{…}`, false for arrays, `null` and scalars. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isArray = (value: unknown): value is ReadonlyArray<Json> => Array.isArray(value)

/**
 * No value nests deeper than this in the documents. What does is not read at all: functions that go down a value are
 * recursive, and a stack is not the server's to exhaust.
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
 * The value of a JSON text, or `undefined` where the text is not JSON or nests deeper than 200 levels: what a server
 * sends is never trusted to parse.
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

/** Own field of an object: `undefined` for a missing one, never something inherited. */
export const field = (value: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined

/** Cut to `limit` characters. Secrets are taken out by `Secrets`, before or after. */
export const printable = (text: string, limit = 2_000): string =>
  text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text

/** A value on one line for a report; `nothing` where a field is missing. */
export const show = (value: Json | undefined, limit = 600): string =>
  value === undefined ? "nothing" : printable(JSON.stringify(value), limit)
