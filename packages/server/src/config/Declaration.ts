/**
 * One thing that can be set, whoever declared it, as the configuration reads it: from a flag or an environment variable
 * it comes as text, from the configuration file as JSON.
 */
import * as Result from "effect/Result"
import { environmentName, type Setting } from "@parley/core/Settings"

export type Value = string | number | boolean

export interface Declaration {
  /** Its name in the configuration file: `limits.frame`. */
  readonly key: string
  /** Its environment variable: `PARLEY_LIMITS_FRAME`. */
  readonly environment: string
  /** Its flag of `parley serve` with the form of its value, where it has a flag of its own: `--port <number>`. */
  readonly flag?: string
  /** What it is, in one sentence. */
  readonly description: string
  /** What may be given, in words that follow "must be". */
  readonly accepts: string
  /** The default as the documentation shows it. */
  readonly defaultText: string
  /** The value when nobody gave one. */
  readonly default: Value
  /** The value that was meant, or nothing when what was given is none. */
  readonly read: (given: unknown, from: "text" | "json") => Value | undefined
  /** What is wrong in a wrong value, where that is one of several parts. */
  readonly fault?: (given: unknown) => unknown
}

const INTEGER = /^-?[0-9]{1,16}$/

const integerBetween =
  (min: number, max: number) =>
  (given: unknown, from: "text" | "json"): number | undefined => {
    const number = from === "text" && typeof given === "string" && INTEGER.test(given) ? Number(given) : given
    return typeof number === "number" && Number.isSafeInteger(number) && number >= min && number <= max
      ? number
      : undefined
  }

const TRUE = new Set(["true", "yes", "on", "1"])
const FALSE = new Set(["false", "no", "off", "0"])

/** Text takes the four usual pairs of words; JSON takes its own two. */
export const readBoolean = (given: unknown, from: "text" | "json"): boolean | undefined => {
  if (from === "json") return typeof given === "boolean" ? given : undefined
  const word = String(given).toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined
}

export const readText = (given: unknown): string | undefined => (typeof given === "string" ? given : undefined)

export const rangeText = (min: number, max: number): string =>
  max === Number.MAX_SAFE_INTEGER ? `an integer from ${min}` : `an integer from ${min} to ${max}`

/** How a setting of the engine or of a dialect is read. */
export const fromSetting = (setting: Setting): Declaration => {
  const about = {
    key: setting.key,
    environment: environmentName(setting.key),
    description: setting.description,
    default: setting.default,
    defaultText: String(setting.default)
  }
  switch (setting.kind) {
    case "integer":
      return {
        ...about,
        accepts: rangeText(setting.min, setting.max),
        read: integerBetween(setting.min, setting.max)
      }
    case "choice":
      return {
        ...about,
        accepts: setting.options.map((option) => `\`${option}\``).join(" or "),
        read: (given) => setting.options.find((option) => option === given)
      }
    case "boolean":
      return { ...about, accepts: "true or false", read: readBoolean }
    case "text":
      return { ...about, accepts: "text", read: readText }
  }
}

/** The value of `given` for `declaration`, or a line that says what is wrong, naming where it came from. */
export const readAs = (
  declaration: Declaration,
  given: unknown,
  from: "text" | "json",
  name: string
): Result.Result<Value, string> => {
  const value = declaration.read(given, from)
  return value === undefined
    ? Result.fail(
        `${name} must be ${declaration.accepts.replaceAll("`", "")}, not ${quote(declaration.fault?.(given) ?? given)}`
      )
    : Result.succeed(value)
}

/** Enough of a wrong value to find it by. One line, and no secret of any length worth having. */
const quote = (given: unknown): string => {
  const text = JSON.stringify(given) ?? String(given)
  return text.length > 42 ? `${text.slice(0, 40)}…` : text
}
