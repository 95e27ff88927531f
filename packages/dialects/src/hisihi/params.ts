/**
 * Reads parameters from the body, JSON or a form, otherwise from the query. Source: PROTOCOLS, "hisihi".
 */
import type { EngineSettings } from "@parley/core/Settings"
import { accountProblem } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { readBody } from "../_http/body.ts"
import { isFields, textProblem } from "../_http/fields.ts"
import type { Query } from "../_http/query.ts"
import { UnreadableBody } from "../_http/UnreadableBody.ts"
import { type Failure, invalid } from "./errors.ts"

/** Returns the value of a parameter; undefined if it is absent or null. */
export type Parameters = (name: string) => unknown

/** Maximum number of form fields; no operation has more than five parameters. */
const MAX_FIELDS = 100
/** Maximum length of an id of another service, in characters. */
const MAX_ID = 255
/** Maximum length of a URL, in characters. */
const MAX_URL = 2048

export const readParameters = Effect.fnUntraced(function* (
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<Parameters, UnreadableBody> {
  const body = yield* readBody(request, { fields: MAX_FIELDS })
  if (body._tag === "Empty") return query.get
  if (body._tag === "Form") return (name) => body.fields.get(name) ?? query.get(name)
  const { value } = body
  if (!isFields(value)) return yield* new UnreadableBody({ status: 400, problem: "must be a JSON object" })
  return (name) => (Object.hasOwn(value, name) ? value[name] : undefined) ?? query.get(name)
})

const text = (name: string, value: unknown): Effect.Effect<string, Failure> => {
  const problem = textProblem(value)
  return problem === undefined ? Effect.succeed(String(value)) : Effect.fail(invalid(name, problem))
}

/** Reads a display name: not blank, at most `limit` characters. */
export const nameIn = (parameters: Parameters, name: string, limit: number): Effect.Effect<string, Failure> =>
  Effect.flatMap(text(name, parameters(name)), (value) => {
    if (value.trim() === "") return Effect.fail(invalid(name, "must not be empty"))
    if (Array.from(value).length > limit) return Effect.fail(invalid(name, `must have at most ${limit} characters`))
    return Effect.succeed(value)
  })

/** Reads an integer, as JSON or as text. */
export const integerBetween = (
  name: string,
  value: unknown,
  min: number,
  max: number
): Effect.Effect<number, Failure> => {
  if (value === undefined) return Effect.fail(invalid(name, "is missing"))
  const number = typeof value === "string" && /^[0-9]{1,16}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= min && number <= max
    ? Effect.succeed(number)
    : Effect.fail(
        invalid(name, max === Number.MAX_SAFE_INTEGER ? "must be a positive integer" : `must be ${min} to ${max}`)
      )
}

/** Reads an id, an integer from 1. */
export const idNumber = (name: string, value: unknown): Effect.Effect<number, Failure> =>
  integerBetween(name, value, 1, Number.MAX_SAFE_INTEGER)

/** Reads an opaque id of another service. A `:` would make the signed text ambiguous. */
export const externalId = (name: string, value: unknown): Effect.Effect<string, Failure> =>
  Effect.flatMap(text(name, value), (id) => {
    if (id === "") return Effect.fail(invalid(name, "must not be empty"))
    if (id.length > MAX_ID) return Effect.fail(invalid(name, `must have at most ${MAX_ID} characters`))
    if (/[\s\p{Cc}:/]/u.test(id)) {
      return Effect.fail(invalid(name, "must not contain white space, control characters, ':' or '/'"))
    }
    return Effect.succeed(id)
  })

/** Reads a URL, which is stored unchanged; "" if absent. */
export const urlIn = (parameters: Parameters, name: string): Effect.Effect<string, Failure> =>
  Effect.flatMap(text(name, parameters(name) ?? ""), (url) =>
    url.length > MAX_URL || /[\s\p{Cc}]/u.test(url)
      ? Effect.fail(invalid(name, `must have at most ${MAX_URL} characters and no white space`))
      : Effect.succeed(url)
  )

/** Values of `limits.account` and `limits.membersPerRequest`. */
type Limits = Pick<EngineSettings, "account" | "membersPerRequest">

export const clientId = (
  name: string,
  value: unknown,
  limits: Pick<Limits, "account">
): Effect.Effect<string, Failure> =>
  Effect.flatMap(text(name, value), (id) => {
    const problem = accountProblem(id, limits.account)
    return problem === undefined ? Effect.succeed(id) : Effect.fail(invalid(name, problem))
  })

/** Reads 1 to `limits.membersPerRequest` client ids joined by `:`. */
export const clientIds = (
  name: string,
  value: unknown,
  { account, membersPerRequest: limit }: Limits
): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.flatMap(text(name, value), (joined) => {
    if (joined === "") return Effect.fail(invalid(name, "must not be empty"))
    const ids = joined.split(":")
    if (ids.length > limit) return Effect.fail(invalid(name, `must name at most ${limit} users`))
    for (const id of ids) {
      const problem = accountProblem(id, account)
      if (problem !== undefined) return Effect.fail(invalid(name, `must be client ids joined by ':'; each ${problem}`))
    }
    return Effect.succeed(ids)
  })
