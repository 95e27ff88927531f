/**
 * Conditions of a conversation query, in the service's `where` JSON: a document of keys with a value or with operators, `$and` and
 * `$or`. They become a predicate over conversations as clients see them. Source: RTM, "Commands, in short"; the query builder
 * of the official SDK.
 *
 * Regular expressions are matched in linear time, since clients write them: those of JavaScript can run for minutes. The
 * builder quotes text by `\Q…\E`.
 */
import { RE2JS } from "re2js"

export type Document = Readonly<Record<string, unknown>>
export type Matches = (document: Document) => boolean

/** A condition that is refused: `problem` completes "where …". */
export interface Unsupported {
  readonly problem: string
}

/** Maximum number of conditions of one query, and of nested `$and` and `$or`. */
const MAX_CONDITIONS = 200
const MAX_DEPTH = 10
/** Maximum number of characters of a regular expression, and of a text that it is matched with. */
const MAX_PATTERN = 500
const MAX_TEXT = 10_000

class Refusal extends Error {}

const refuse = (problem: string): never => {
  throw new Refusal(problem)
}

const isObject = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A date, as the service writes it, becomes its milliseconds; fields with times have texts in ISO 8601. */
const dateOf = (value: unknown): number | undefined => {
  const iso = isObject(value) && value["__type"] === "Date" ? value["iso"] : undefined
  const time = typeof iso === "string" ? Date.parse(iso) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** Whether two JSON values are equal; a date equals the text of its time. */
const isEqual = (value: unknown, other: unknown): boolean => {
  const date = dateOf(other)
  if (date !== undefined) return timeOf(value) === date
  if (Array.isArray(value) && Array.isArray(other)) {
    return value.length === other.length && value.every((one, index) => isEqual(one, other[index]))
  }
  if (isObject(value) && isObject(other)) {
    const keys = Object.keys(value)
    return (
      keys.length === Object.keys(other).length &&
      keys.every((key) => Object.hasOwn(other, key) && isEqual(value[key], other[key]))
    )
  }
  return value === other
}

/** Milliseconds of a value that is a date, or the text of a time. */
export const timeOf = (value: unknown): number | undefined => {
  const date = dateOf(value)
  if (date !== undefined || typeof value !== "string") return date
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}

/** Whether the value, or for a list one of its elements, is equal. */
const contains = (value: unknown, other: unknown): boolean =>
  isEqual(value, other) || (Array.isArray(value) && value.some((one) => isEqual(one, other)))

/** Compares numbers, texts or times; false for different kinds. */
const compare =
  (isIn: (order: number) => boolean) =>
  (operand: unknown): ((value: unknown) => boolean) => {
    const date = dateOf(operand)
    if (date === undefined && typeof operand !== "number" && typeof operand !== "string") {
      return refuse("must compare with a number, a text or a date")
    }
    return (value) => {
      const [own, other] = date === undefined ? [value, operand] : [timeOf(value), date]
      if (typeof own === "number" && typeof other === "number") return isIn(own - other)
      return typeof own === "string" && typeof other === "string" && isIn(own < other ? -1 : own > other ? 1 : 0)
    }
  }

const list = (operand: unknown): ReadonlyArray<unknown> =>
  Array.isArray(operand) ? operand : refuse("must have a list after $in, $nin and $all")

const regex = (operand: unknown, options: unknown): ((value: unknown) => boolean) => {
  if (typeof operand !== "string" || operand.length > MAX_PATTERN) {
    return refuse(`must have a text of at most ${MAX_PATTERN} characters after $regex`)
  }
  let flags = 0
  for (const option of typeof options === "string" ? options : "") {
    if (option === "i") flags |= RE2JS.CASE_INSENSITIVE
    else if (option === "m") flags |= RE2JS.MULTILINE
    else if (option === "s") flags |= RE2JS.DOTALL
    else return refuse("must have the options i, m and s")
  }
  let pattern: RE2JS
  try {
    pattern = RE2JS.compile(operand, flags)
  } catch {
    return refuse("has a regular expression that cannot be read, or that needs look-around or back-references")
  }
  const isFound = (value: unknown): boolean =>
    typeof value === "string" && value.length <= MAX_TEXT && pattern.matcher(value).find()
  return (value) => isFound(value) || (Array.isArray(value) && value.some(isFound))
}

type Operator = (operand: unknown, all: Document) => (value: unknown) => boolean

const OPERATORS: Readonly<Record<string, Operator>> = {
  $ne: (operand) => (value) => !contains(value, operand),
  $lt: compare((order) => order < 0),
  $lte: compare((order) => order <= 0),
  $gt: compare((order) => order > 0),
  $gte: compare((order) => order >= 0),
  $in: (operand) => {
    const values = list(operand)
    return (value) => values.some((one) => contains(value, one))
  },
  $nin: (operand) => {
    const values = list(operand)
    return (value) => !values.some((one) => contains(value, one))
  },
  $all: (operand) => {
    const values = list(operand)
    return (value) => values.every((one) => contains(value, one))
  },
  $exists: (operand) => {
    if (typeof operand !== "boolean") return refuse("must have true or false after $exists")
    return (value) => (value !== undefined && value !== null) === operand
  },
  $size: (operand) => {
    if (typeof operand !== "number") return refuse("must have a number after $size")
    return (value) => Array.isArray(value) && value.length === operand
  },
  $regex: (operand, { $options }) => regex(operand, $options),
  $options: (_, { $regex }) => ($regex === undefined ? refuse("must have $regex beside $options") : () => true)
}

/** Returns the value at a key with dots. */
export const valueAt = (document: Document, path: ReadonlyArray<string>): unknown => {
  let value: unknown = document
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  return value
}

const conditionOn = (key: string, condition: unknown): Matches => {
  const path = key.split(".")
  const operators = isObject(condition) ? Object.keys(condition).filter((one) => one.startsWith("$")) : []
  if (!isObject(condition) || operators.length === 0) return (document) => contains(valueAt(document, path), condition)
  const tests = Object.entries(condition).map(([name, operand]) => {
    const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined
    return operator === undefined
      ? refuse(`has the unknown operator ${name.slice(0, 64)}`)
      : operator(operand, condition)
  })
  return (document) => {
    const value = valueAt(document, path)
    return tests.every((test) => test(value))
  }
}

const all = (where: unknown, depth: number, count: { left: number }): Matches => {
  if (!isObject(where)) return refuse("must be an object")
  if (depth > MAX_DEPTH) return refuse(`must have at most ${MAX_DEPTH} levels`)
  const parts = Object.entries(where).map(([key, condition]): Matches => {
    if (--count.left < 0) return refuse(`must have at most ${MAX_CONDITIONS} conditions`)
    if (key === "$and" || key === "$or") {
      if (!Array.isArray(condition) || condition.length === 0) return refuse(`must have a list after ${key}`)
      const inner = condition.map((one) => all(one, depth + 1, count))
      return key === "$and"
        ? (document) => inner.every((one) => one(document))
        : (document) => inner.some((one) => one(document))
    }
    return key.startsWith("$") ? refuse(`has the unknown operator ${key.slice(0, 64)}`) : conditionOn(key, condition)
  })
  return (document) => parts.every((part) => part(document))
}

/** Compiles a parsed `where`; a refusal has the reason. */
export const compileWhere = (where: unknown): Matches | Unsupported => {
  try {
    return all(where, 0, { left: MAX_CONDITIONS })
  } catch (cause) {
    if (cause instanceof Refusal) return { problem: cause.message }
    throw cause
  }
}
