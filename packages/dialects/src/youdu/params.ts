/**
 * Reads parameters. Clients of this protocol declare `Content-Encoding: UTF-8`, and send `null` for absent values, so null
 * always means absent. Source: PROTOCOLS, "youdu".
 */
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { field, type Fields, invalid, isFields, readFields, text, textProblem } from "../_http/fields.ts"
import { JSON_LIMITS, type JsonLimits } from "../_http/jsonLimits.ts"
import type { UnreadableBody } from "../_http/UnreadableBody.ts"

/** Maximum lengths in code points. Source: seeds/004, "参数说明". */
export interface Lengths {
  readonly title: number
  readonly account: number
}

/** Reads the fields of a body. */
export const bodyOf = (
  request: HttpServerRequest,
  limits: JsonLimits = JSON_LIMITS
): Effect.Effect<Fields, UnreadableBody> => Effect.map(readFields(request, limits), withoutNulls)

/** Parses the fields of an opened text; undefined if it is not a JSON object. */
export const fieldsIn = (json: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(json)
    return isFields(value) ? withoutNulls(value) : undefined
  } catch {
    return undefined
  }
}

const hasNull = (value: unknown): boolean => value === null || (Array.isArray(value) && value.includes(null))

/** Returns the same object if it contains no nulls. */
export const withoutNulls = (fields: Fields): Fields =>
  Object.keys(fields).some((name) => hasNull(fields[name]))
    ? Object.fromEntries(
        Object.entries(fields)
          .filter(([, value]) => value !== null)
          .map(([name, value]) => [name, Array.isArray(value) ? value.filter((item) => item !== null) : value])
      )
    : fields

/** Reads an account. */
export const account = (fields: Fields, name: string, lengths: Lengths): Effect.Effect<string, Refused> =>
  Effect.flatMap(text(fields, name), (value) => {
    const problem = lengthProblem(value, lengths)
    return problem === undefined ? Effect.succeed(value) : invalid(name, problem)
  })

/** Reads accounts, each once, in the order named. */
export const accounts = (
  fields: Fields,
  name: string,
  limit: number,
  lengths: Lengths
): Effect.Effect<ReadonlyArray<string>, Refused> => {
  const value = field(fields, name)
  if (value === undefined) return invalid(name, "is missing")
  if (!Array.isArray(value)) return invalid(name, "must be an array of accounts")
  if (value.length > limit) return invalid(name, `must name at most ${limit} users`)
  const named = new Set<string>()
  for (const [index, item] of value.entries()) {
    const problem = textProblem(item) ?? lengthProblem(String(item), lengths)
    if (problem !== undefined) return invalid(`${name}[${index}]`, problem)
    named.add(String(item))
  }
  return Effect.succeed([...named])
}

const lengthProblem = (text: string, lengths: Lengths): string | undefined => {
  if (text === "") return "must not be empty"
  return Array.from(text).length > lengths.account ? `must have at most ${lengths.account} characters` : undefined
}

export const title = (fields: Fields, lengths: Lengths): Effect.Effect<string, Refused> =>
  nameOf(fields, "title", lengths)

/** Reads the name of a chat. */
export const nameOf = (fields: Fields, field: string, lengths: Lengths): Effect.Effect<string, Refused> =>
  Effect.flatMap(text(fields, field), (value) => {
    const length = Array.from(value).length
    if (length < 1 || length > lengths.title) return invalid(field, `must have 1 to ${lengths.title} characters`)
    return value.trim() === "" ? invalid(field, "must not be blank") : Effect.succeed(value)
  })

/** Reads the enterprise's number, which some clients write as text. */
export const readBuin = (fields: Fields): Effect.Effect<number, Refused> => {
  const value = field(fields, "buin")
  if (value === undefined) return invalid("buin", "is missing")
  const number = typeof value === "string" && /^[0-9]{1,15}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number)
    ? Effect.succeed(number)
    : invalid("buin", "must be an integer")
}
