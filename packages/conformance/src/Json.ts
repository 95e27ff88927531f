/** JSON values as they stand in scenario files and on the wire. */
import * as Schema from "effect/Schema"

export type Json = Schema.Json
export type JsonObject = { readonly [key: string]: Json }

/** True for `{…}`, false for arrays, `null` and scalars. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isArray = (value: unknown): value is ReadonlyArray<Json> => Array.isArray(value)

/** The value of a JSON text, or `undefined` where the text is not JSON: what a server sends is never trusted to parse. */
export const parse = (text: string): Json | undefined => {
  try {
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

const secret = /("(?:sid|token|password|sessionID)"\s*:\s*"|[?&](?:sid|token)=)([^"&\s]{0,6})[^"&\s]*/g

/** Cut to `limit` characters, with what follows a secret's first six characters left out: for reports, not for the wire. */
export const printable = (text: string, limit = 2_000): string => {
  const safe = text.slice(0, limit + 200).replaceAll(secret, "$1$2…")
  return safe.length > limit ? `${safe.slice(0, limit)}… (${text.length} characters)` : safe
}

/** A value on one line for a report; `nothing` where a field is missing. */
export const show = (value: Json | undefined, limit = 600): string =>
  value === undefined ? "nothing" : printable(JSON.stringify(value), limit)
