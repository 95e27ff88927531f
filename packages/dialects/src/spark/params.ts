/**
 * What a request gives, from a JSON object or a form. A form says an array as `To=a&To=b`, `To[]=a` or `To[0]=a`, and
 * pairs as `Data[name]=x` or as JSON in `Data`. Source: PROTOCOLS, "spark".
 */
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { readBody } from "../_http/body.ts"
import { type Fields, invalid, isFields } from "../_http/fields.ts"
import { jsonProblem, namingUsers } from "../_http/jsonLimits.ts"
import type { Query } from "../_http/query.ts"
import { UnreadableBody } from "../_http/UnreadableBody.ts"

/** Each reads one field or refuses with its name. A field that is null is absent. */
export interface Parameters {
  readonly text: (name: string) => Effect.Effect<string, Refused>
  /** At least one text. */
  readonly texts: (name: string) => Effect.Effect<ReadonlyArray<string>, Refused>
  readonly integer: (name: string) => Effect.Effect<number, Refused>
  /** At least one pair. */
  readonly pairs: (name: string) => Effect.Effect<Fields, Refused>
  /** The session, by either of its spellings. */
  readonly session: Effect.Effect<string, Refused>
}

/** Both spellings of the document; it uses either for the same thing. */
export const SPELLINGS = ["SesssionId", "SessionId"] as const

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string")

/** Half a surrogate pair, which JSON can escape, is no text. */
const isWellFormed = (value: unknown): boolean =>
  typeof value === "string" ? value.isWellFormed() : !isTexts(value) || value.every((text) => text.isWellFormed())

/** Fields of a form beside the accounts in it, at most: the pairs of `Data` among them. */
const FIELDS = 1000

/** The body's parameters; what stands behind `?` is none of them. `accounts`: as many as one request may name. */
export const readParameters = (
  request: HttpServerRequest,
  accounts: number
): Effect.Effect<Parameters, UnreadableBody> =>
  Effect.flatMap(readBody(request, { fields: accounts + FIELDS }, namingUsers(accounts)), (body) => {
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

/** A form's fields as JSON would have them. */
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
    else if (base === "Data") fields.set(base, parsed(value))
    else if (base === "Type") fields.set(base, /^-?[0-9]{1,9}$/.test(value) ? Number(value) : value)
    else fields.set(name, value)
  }
  if (accounts.length > 0) fields.set("To", accounts)
  if (pairs.size > 0) {
    const whole = fields.get("Data")
    fields.set("Data", Object.fromEntries([...Object.entries(isFields(whole) ? whole : {}), ...pairs]))
  }
  return Object.fromEntries(fields)
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const parametersOf = (fields: Fields): Parameters => {
  const given = (name: string): unknown => (Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined)

  const read = <A>(
    name: string,
    fits: (value: unknown) => value is A,
    kind: string,
    isEmpty: (value: A) => boolean,
    least: string
  ): Effect.Effect<A, Refused> => {
    const value = given(name)
    if (value === undefined) return invalid(name, "is missing")
    if (!fits(value)) return invalid(name, `must be ${kind}`)
    if (!isWellFormed(value)) return invalid(name, "must be well-formed Unicode")
    return isEmpty(value) ? invalid(name, least) : Effect.succeed(value)
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
      if (given(documented) === undefined) return text(other)
      if (given(other) === undefined) return text(documented)
      return Effect.flatMap(Effect.all([text(documented), text(other)]), ([a, b]) =>
        a === b ? Effect.succeed(a) : invalid(other, `must be the same as ${documented} where both are given`)
      )
    })
  }
}
