/**
 * A configurable value of the server, the engine or a protocol. Flags and environment variables give it as text, the
 * configuration file as JSON.
 */
import * as Result from "effect/Result"
import { environmentName, type Setting } from "@parley/core/Settings"

export type Value = string | number | boolean

export interface Declaration {
  /** Key in the configuration file: `limits.frame`. */
  readonly key: string
  /** Environment variable: `PARLEY_LIMITS_FRAME`. */
  readonly environment: string
  /** Flag of `parley serve` with the form of its value, if it has its own: `--port <number>`. */
  readonly flag?: string
  /** Description in one sentence. */
  readonly description: string
  /** Accepted values, as words after "must be". */
  readonly accepts: string
  /** The default as shown in the documentation. */
  readonly defaultText: string
  readonly default: Value
  /** Returns the parsed value, or undefined if it is not valid. */
  readonly read: (raw: unknown, from: "text" | "json") => Value | undefined
  /** Returns the invalid part of an invalid list. */
  readonly fault?: (raw: unknown) => unknown
}

const INTEGER = /^-?[0-9]{1,16}$/

const integerBetween =
  (min: number, max: number) =>
  (raw: unknown, from: "text" | "json"): number | undefined => {
    const number = from === "text" && typeof raw === "string" && INTEGER.test(raw) ? Number(raw) : raw
    return typeof number === "number" && Number.isSafeInteger(number) && number >= min && number <= max
      ? number
      : undefined
  }

const TRUE = new Set(["true", "yes", "on", "1"])
const FALSE = new Set(["false", "no", "off", "0"])

/** Reads one of four pairs of words from text, and only `true` and `false` from JSON. */
export const readBoolean = (raw: unknown, from: "text" | "json"): boolean | undefined => {
  if (from === "json") return typeof raw === "boolean" ? raw : undefined
  const word = String(raw).toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined
}

export const readText = (raw: unknown): string | undefined => (typeof raw === "string" ? raw : undefined)

export const rangeText = (min: number, max: number): string =>
  max === Number.MAX_SAFE_INTEGER ? `an integer from ${min}` : `an integer from ${min} to ${max}`

/** Returns the declaration of a setting of the engine or of a dialect. */
export const fromSetting = (setting: Setting): Declaration => {
  const common = {
    key: setting.key,
    environment: environmentName(setting.key),
    description: setting.description,
    default: setting.default,
    defaultText: String(setting.default)
  }
  switch (setting.kind) {
    case "integer":
      return {
        ...common,
        accepts: rangeText(setting.min, setting.max),
        read: integerBetween(setting.min, setting.max)
      }
    case "choice":
      return {
        ...common,
        accepts: setting.options.map((option) => `\`${option}\``).join(" or "),
        read: (raw) => setting.options.find((option) => option === raw)
      }
    case "boolean":
      return { ...common, accepts: "true or false", read: readBoolean }
    case "text":
      return { ...common, accepts: "text", read: readText }
  }
}

/** Returns the parsed value, or a one-line error that begins with `name`, its source. */
export const readAs = (
  declaration: Declaration,
  raw: unknown,
  from: "text" | "json",
  name: string
): Result.Result<Value, string> => {
  const value = declaration.read(raw, from)
  return value === undefined
    ? Result.fail(
        `${name} must be ${declaration.accepts.replaceAll("`", "")}, not ${quote(declaration.fault?.(raw) ?? raw)}`
      )
    : Result.succeed(value)
}

/** Quotes at most 40 characters of an invalid value: one line, and not the whole of a long secret. */
const quote = (raw: unknown): string => {
  const text = JSON.stringify(raw) ?? String(raw)
  return text.length > 42 ? `${text.slice(0, 40)}…` : text
}
