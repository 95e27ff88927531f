/**
 * Reads parameters from a JSON object or a form. A form encodes an array as `To=a&To=b`, `To[]=a` or `To[0]=a`, and pairs
 * as `Data[name]=x` or as JSON in `Data`. Source: PROTOCOLS, "spark".
 */
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { readBody } from "../_http/body.ts"
import { type Fields, invalid, isFields } from "../_http/fields.ts"
import { jsonProblem, limitsForUsers } from "../_http/jsonLimits.ts"
import type { Query } from "../_http/query.ts"
import { UnreadableBody } from "../_http/UnreadableBody.ts"

/** Each function reads one field or refuses with its name. A null field counts as absent. */
export interface Parameters {
  readonly text: (name: string) => Effect.Effect<string, Refused>
  /** Requires at least one string. */
  readonly texts: (name: string) => Effect.Effect<ReadonlyArray<string>, Refused>
  readonly integer: (name: string) => Effect.Effect<number, Refused>
  /** Requires at least one pair. */
  readonly pairs: (name: string) => Effect.Effect<Fields, Refused>
  /** Session id, under either spelling. */
  readonly session: Effect.Effect<string, Refused>
}

/** Both spellings that the document uses for the session id. */
export const SPELLINGS = ["SesssionId", "SessionId"] as const

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string")

/** Returns false for lone surrogates, which JSON can escape. */
const isWellFormed = (value: unknown): boolean =>
  typeof value === "string" ? value.isWellFormed() : !isTexts(value) || value.every((text) => text.isWellFormed())

/** Maximum number of form fields in addition to accounts, including the pairs of `Data`. */
const MAX_OTHER_FIELDS = 1000

/** Reads parameters from the body only, not from the query. `accounts`: maximum number of accounts that a request may name. */
export const readParameters = (
  request: HttpServerRequest,
  accounts: number
): Effect.Effect<Parameters, UnreadableBody> =>
  Effect.flatMap(readBody(request, { fields: accounts + MAX_OTHER_FIELDS }, limitsForUsers(accounts)), (body) => {
    if (body._tag === "Form") {
      const problem = jsonProblem(body.fields.get("Data") ?? "")
      return problem === undefined
        ? Effect.succeed(parametersOf(fromForm(body.fields)))
        : Effect.fail(new UnreadableBody({ status: 413, problem: `has JSON in Data that ${problem}` }))
    }
    if (body._tag === "Empty") return Effect.succeed(parametersOf({}))
    return isFields(body.value)
      ? Effect.succeed(parametersOf(body.value))
      : Effect.fail(new UnreadableBody({ status: 400, problem: "must be a JSON object or a form" }))
  })

/** Converts a form's fields to their JSON form. */
const fromForm = (form: Query): Fields => {
  const fields = new Map<string, unknown>()
  const accounts: Array<string> = []
  const pairs = new Map<string, unknown>()
  for (const name of form.names()) {
    const [, base = "", key] = /^([^[\]]*)(?:\[(.*)\])?$/s.exec(name) ?? ["", name]
    const value = form.get(name) ?? ""
    if (base === "To") {
      for (const account of form.all(name)) accounts.push(account)
    } else if (base === "Data" && key !== undefined) pairs.set(key, value)
    else if (base === "Data") fields.set(base, parseJson(value))
    else if (base === "Type") fields.set(base, /^-?[0-9]{1,9}$/.test(value) ? Number(value) : value)
    else fields.set(name, value)
  }
  if (accounts.length > 0) fields.set("To", accounts)
  if (pairs.size > 0) {
    const data = fields.get("Data")
    fields.set("Data", Object.fromEntries([...Object.entries(isFields(data) ? data : {}), ...pairs]))
  }
  return Object.fromEntries(fields)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const parametersOf = (fields: Fields): Parameters => {
  const valueOf = (name: string): unknown => (Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined)

  const read = <A>(
    name: string,
    isValid: (value: unknown) => value is A,
    kind: string,
    isEmpty: (value: A) => boolean,
    emptyProblem: string
  ): Effect.Effect<A, Refused> => {
    const value = valueOf(name)
    if (value === undefined) return invalid(name, "is missing")
    if (!isValid(value)) return invalid(name, `must be ${kind}`)
    if (!isWellFormed(value)) return invalid(name, "must be well-formed Unicode")
    return isEmpty(value) ? invalid(name, emptyProblem) : Effect.succeed(value)
  }

  const text = (name: string) =>
    read(
      name,
      (value) => typeof value === "string",
      "a string",
      (value) => value === "",
      "must not be empty"
    )

  return {
    text,
    texts: (name) =>
      read(name, isTexts, "an array of strings", (value) => value.length === 0, "must hold at least one account"),
    integer: (name) =>
      read(
        name,
        (value): value is number => typeof value === "number" && Number.isSafeInteger(value),
        "an integer",
        () => false,
        ""
      ),
    pairs: (name) =>
      read(
        name,
        isFields,
        "an object of keys and values",
        (value) => Object.keys(value).length === 0,
        "must change at least one thing"
      ),
    session: Effect.suspend(() => {
      const [documented, other] = SPELLINGS
      if (valueOf(documented) === undefined) return text(other)
      if (valueOf(other) === undefined) return text(documented)
      return Effect.flatMap(Effect.all([text(documented), text(other)]), ([a, b]) =>
        a === b ? Effect.succeed(a) : invalid(other, `must be the same as ${documented} if both are given`)
      )
    })
  }
}
