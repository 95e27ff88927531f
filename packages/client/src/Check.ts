/** Checks of arguments: one sentence with the name, what is accepted, and what came. */
import { ParleyError } from "./ParleyError.ts"

/** A problem of a value: the path of the part below its name (`[1]`, `.gid`), and words that follow it. */
export type Problem = readonly [path: string, words: string]

/** Returns the problem of a value, or undefined. */
export type Check = (value: unknown) => Problem | undefined

/** Maximum length of a string in an error; longer ones are shown by their length. */
const MAX_SHOWN = 40

const shown = (value: unknown): string => {
  if (typeof value === "string") {
    return value.length > MAX_SHOWN ? `a string of ${value.length} characters` : JSON.stringify(value)
  }
  if (Array.isArray(value)) return "a list"
  return typeof value === "object" && value !== null
    ? "an object"
    : typeof value === "function"
      ? "a function"
      : String(value)
}

export const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Returns a check with the accepted values in words, to follow "must be". */
export const check =
  (accepted: string, isValid: (value: unknown) => boolean): Check =>
  (value) =>
    isValid(value) ? undefined : ["", `must be ${accepted}, not ${shown(value)}`]

/** Accepts a string, which is not shown in errors. */
export const secret: Check = (value) =>
  typeof value === "string" ? undefined : ["", `must be a string, not ${isObject(value) ? "an object" : typeof value}`]

/** Accepts undefined too. */
export const optional =
  (inner: Check): Check =>
  (value) =>
    value === undefined ? undefined : inner(value)

/** Accepts a list whose entries pass; `entries` in words, in the plural. */
export const list = (entries: string, inner: Check): Check => {
  const isList = check(`a list of ${entries}`, Array.isArray)
  return (value) => {
    if (!Array.isArray(value)) return isList(value)
    for (const [index, entry] of value.entries()) {
      const problem = inner(entry)
      if (problem !== undefined) return [`[${index}]${problem[0]}`, problem[1]]
    }
    return undefined
  }
}

/** Accepts an object with these fields and no others. `accepted` describes it, to follow "must be". */
export const fields = (accepted: string, checks: Readonly<Record<string, Check>>): Check => {
  const isFields = check(accepted, isObject)
  return (value) => {
    if (!isObject(value)) return isFields(value)
    for (const [name, inner] of Object.entries(checks)) {
      const problem = inner(Reflect.get(value, name))
      if (problem !== undefined) return [`.${name}${problem[0]}`, problem[1]]
    }
    for (const [name, given] of Object.entries(value)) {
      if (given === undefined || Object.hasOwn(checks, name)) continue
      return ["", `has no ${name}; it has ${Object.keys(checks).join(", ")}`]
    }
    return undefined
  }
}

export const text: Check = check("a string", (value) => typeof value === "string")
export const flag: Check = check("true or false", (value) => typeof value === "boolean")
export const callback: Check = check("a function", (value) => typeof value === "function")

/** Accepts one of these values. */
export const oneOf = (...values: ReadonlyArray<string>): Check =>
  check(`one of ${values.map((value) => JSON.stringify(value)).join(", ")}`, (value) =>
    values.includes(value as string)
  )

/** Accepts an integer between these bounds. */
export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER): Check =>
  check(
    max === Number.MAX_SAFE_INTEGER ? `an integer from ${min}` : `an integer from ${min} to ${max}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
  )

/** Names and checks of the parameters of a function, in order. */
export type Parameters = ReadonlyArray<readonly [name: string, inner: Check]>

/** Returns the error of the first argument with a problem, or undefined. */
export const argumentError = (
  method: string,
  parameters: Parameters,
  given: ReadonlyArray<unknown>
): ParleyError | undefined => {
  for (const [index, [name, inner]] of parameters.entries()) {
    const problem = inner(given[index])
    if (problem !== undefined) return new ParleyError("invalid", `${method}: ${name}${problem[0]} ${problem[1]}.`)
  }
  return undefined
}

/** Makes methods of a class check their arguments. Those in `throwing` throw; others reject. */
export const checkArguments = (
  type: { readonly prototype: object },
  methods: Readonly<Record<string, Parameters>>,
  throwing: ReadonlyArray<string>
): void => {
  for (const [name, parameters] of Object.entries(methods)) {
    const method = Reflect.get(type.prototype, name) as (...given: ReadonlyArray<unknown>) => unknown
    const checked = function (this: unknown, ...given: ReadonlyArray<unknown>): unknown {
      const error = argumentError(name, parameters, given)
      if (error === undefined) return Reflect.apply(method, this, given)
      if (throwing.includes(name)) throw error
      return Promise.reject(error)
    }
    Object.defineProperty(type.prototype, name, { value: checked, configurable: true, writable: true })
  }
}
