/** Checks of options and arguments: one sentence with the name, what came, and what is accepted. */
import { nearestName } from "../model/nearestName.ts"
import { shown } from "../model/shown.ts"
import { ParleyError } from "./ParleyError.ts"

/** A problem of a value: the path of the part below its name (`[1]`, `.gid`), and words that follow it. */
export interface Problem {
  /** Path of the part below the name: `[1]`, `.gid`; "" for the whole value. */
  readonly at: string
  /** Words that follow the name: "must be a string, not 3". */
  readonly words: string
}

/** Returns the problem of a value, or undefined. */
export type Check = (value: unknown) => Problem | undefined

/** Checks by name. */
export type Checks = Readonly<Record<string, Check>>

/**
 * A check with the accepted values in words, to follow "must be". `hint` returns words to add to the sentence, or
 * undefined. `isSecret` leaves texts out of the sentence.
 */
export const check =
  (
    accepted: string,
    isValid: (value: unknown) => boolean,
    {
      hint,
      isSecret = false
    }: { readonly hint?: (value: unknown) => string | undefined; readonly isSecret?: boolean } = {}
  ): Check =>
  (value) => {
    if (isValid(value)) return undefined
    const came = isSecret && typeof value === "string" ? "a string" : shown(value)
    const added = hint?.(value)
    return { at: "", words: `must be ${accepted}, not ${came}${added === undefined ? "" : `: ${added}`}` }
  }

/** Accepts undefined too. */
export const optional =
  (inner: Check): Check =>
  (value) =>
    value === undefined ? undefined : inner(value)

/** Accepts an array whose entries pass; `entries` in words, in the plural. A string is not a list of characters. */
export const list = (entries: string, entry: Check): Check => {
  const isList = check(`a list of ${entries}`, Array.isArray)
  return (value) => {
    if (!Array.isArray(value)) return isList(value)
    for (let index = 0; index < value.length; index++) {
      const problem = entry(value[index])
      if (problem !== undefined) return { at: `[${index}]${problem.at}`, words: problem.words }
    }
    return undefined
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const listed = (names: ReadonlyArray<string>): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`

/** Words about an unknown name, to follow the name of what has it. */
const unknownName = (name: string, names: ReadonlyArray<string>): string => {
  const nearest = nearestName(name, names)
  return nearest === undefined ? `has no ${name}; it has ${listed(names)}` : `has no ${name}; did you mean ${nearest}?`
}

/**
 * Accepts an object with these fields; `accepted` describes it, to follow "must be". Other fields with a value are
 * refused, unless the object belongs to a class.
 */
export const fields = (accepted: string, checks: Checks): Check => {
  const isFields = check(accepted, (value) => isObject(value) && !Array.isArray(value))
  const entries = Object.entries(checks)
  return (value) => {
    if (!isObject(value) || Array.isArray(value)) return isFields(value)
    for (const [name, inner] of entries) {
      const problem = inner(Reflect.get(value, name))
      if (problem !== undefined) return { at: `.${name}${problem.at}`, words: problem.words }
    }
    if (!isPlain(value)) return undefined
    for (const [name, given] of Object.entries(value)) {
      if (given !== undefined && !Object.hasOwn(checks, name)) {
        return { at: "", words: unknownName(name, Object.keys(checks)) }
      }
    }
    return undefined
  }
}

/** Accepts whichever check accepts; `accepted` describes all of them. A problem inside of an object is passed on. */
export const either = (accepted: string, ...checks: ReadonlyArray<Check>): Check => {
  const none = check(accepted, () => false)
  return (value) => (checks.some((one) => one(value) === undefined) ? undefined : none(value))
}

/** Accepts a string. */
export const text: Check = check("a string", (value) => typeof value === "string")
/** Accepts a string that is not empty. */
export const nonEmpty: Check = check("a string that is not empty", (value) => typeof value === "string" && value !== "")
/** A text that is not shown in errors. */
export const secret: Check = check("a string", (value) => typeof value === "string", { isSecret: true })
/** Accepts a boolean. */
export const flag: Check = check("true or false", (value) => typeof value === "boolean")
/** Accepts a function. */
export const callback: Check = check("a function", (value) => typeof value === "function")

/** Accepts one of these values. */
export const oneOf = (...values: ReadonlyArray<string>): Check => {
  const words = values.map((value) => JSON.stringify(value))
  return check(`${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`, (value) =>
    values.some((one) => one === value)
  )
}

/** Accepts an integer between these bounds. */
export const integerFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER): Check =>
  check(
    max === Number.MAX_SAFE_INTEGER ? `an integer from ${min}` : `an integer from ${min} to ${max}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
  )

/** Maximum delay of a timer on most platforms, in milliseconds. */
const MAX_DELAY = 2 ** 31 - 1

/** Accepts a time that a timer can wait. */
export const milliseconds: Check = check(
  `a number of milliseconds from 0 to ${MAX_DELAY}`,
  (value) => typeof value === "number" && value >= 0 && value <= MAX_DELAY
)

/** Accepts a number of seconds. */
export const seconds: Check = check(
  "a number of seconds",
  (value) => typeof value === "number" && value >= 0 && Number.isFinite(value)
)

/** Returns the error for a problem; `named` is the value's name in the sentence, `field` its path for programs. */
const problemError = (named: string, field: string, words: string): ParleyError =>
  new ParleyError("Invalid", `${named} ${words}.`.replace(/\?\.$/, "?"), {
    reason: { _tag: "Invalid", field, problem: words }
  })

/** Checks the options of a function. Throws a `ParleyError` for the first problem. */
export const checkOptions = (of: string, given: unknown, checks: Checks): void => {
  // A string in place of the options may be a URL with a password.
  if (typeof given === "string") throw problemError(of, of, "must be an object with options, not a string")
  const problem = fields("an object with options", checks)(given)
  if (problem === undefined) return
  const path = problem.at.slice(1)
  throw path === "" ? problemError(of, of, problem.words) : problemError(`The option ${path}`, path, problem.words)
}

/** Names and checks of a method's parameters, in order. */
export type Parameters = ReadonlyArray<readonly [name: string, inner: Check]>

const argumentError = (method: string, parameters: Parameters, given: ReadonlyArray<unknown>) => {
  for (let index = 0; index < parameters.length; index++) {
    const [name, inner] = parameters[index] as Parameters[number]
    const problem = inner(given[index])
    if (problem !== undefined) {
      const path = `${name}${problem.at}`
      return problemError(`${method}: ${path}`, path, problem.words)
    }
  }
  return undefined
}

/** Checks one argument of a function. Throws a `ParleyError`. */
export const checkArgument = (of: string, name: string, inner: Check, given: unknown): void => {
  const error = argumentError(of, [[name, inner]], [given])
  if (error !== undefined) throw error
}

/**
 * Makes methods of a class check their arguments before they run. A method in `rejecting` returns a promise, which is
 * rejected; one in `throwing` throws. The error is a `ParleyError` with the code `Invalid`.
 */
export const checkArguments = (
  type: { readonly prototype: object },
  methods: {
    readonly rejecting: Readonly<Record<string, Parameters>>
    readonly throwing?: Readonly<Record<string, Parameters>>
  }
): void => {
  const add = (name: string, parameters: Parameters, fail: (error: ParleyError) => unknown): void => {
    if (parameters.length === 0) return
    const method: unknown = Reflect.get(type.prototype, name)
    if (typeof method !== "function") throw new Error(`there is no method ${name}`)
    const checked = function (this: unknown, ...given: ReadonlyArray<unknown>): unknown {
      const error = argumentError(name, parameters, given)
      return error === undefined ? Reflect.apply(method, this, given) : fail(error)
    }
    Object.defineProperty(checked, "name", { value: name })
    Object.defineProperty(type.prototype, name, { value: checked, configurable: true, writable: true })
  }
  for (const [name, parameters] of Object.entries(methods.rejecting))
    add(name, parameters, (error) => Promise.reject(error))
  for (const [name, parameters] of Object.entries(methods.throwing ?? {})) {
    add(name, parameters, (error) => {
      throw error
    })
  }
}
