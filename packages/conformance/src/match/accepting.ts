/** The part of a pattern by which an accepted request differs from a refused one. */
import { isArray, isObject, type Json, type JsonObject } from "../Json.ts"
import { writes } from "./Variables.ts"

/** Fields for the success of a request. */
const verdicts = ["status", "result", "success", "code", "errcode"]

const captures = (pattern: Json): boolean => writes(pattern).size > 0

const rest = (pattern: Json): Json => (captures(pattern) ? accepting(pattern) : "$any")

const within = (name: string, argument: Json, pattern: JsonObject): Json => {
  if (name === "$all" && isArray(argument)) return { $all: argument.map(accepting) }
  if ((name === "$anyOf" || name === "$lenient") && isArray(argument)) return { [name]: argument.map(rest) }
  if (name === "$optional") return { $optional: rest(argument) }
  return pattern
}

/** The pattern reduced to its captured values and the fields for the success of the request. */
export const accepting = (pattern: Json): Json => {
  if (isArray(pattern)) return captures(pattern) ? pattern.map(rest) : "$any"
  if (!isObject(pattern)) return "$any"
  const name = Object.keys(pattern).find((key) => key.startsWith("$") && key !== "$reading")
  if (name !== undefined)
    return captures(pattern) || name === "$all" ? within(name, pattern[name] ?? null, pattern) : "$any"
  return Object.fromEntries(
    Object.entries(pattern).flatMap(([key, item]): ReadonlyArray<[string, Json]> => {
      if (verdicts.includes(key)) return [[key, item]]
      if (key === "$reading" && isObject(item)) return captures(item) ? [[key, accepting(item)]] : []
      const inner = isObject(item) || isArray(item) ? accepting(item) : "$any"
      const hasVerdict = isObject(inner) && verdicts.some((one) => Object.hasOwn(inner, one))
      return captures(item) || (hasVerdict && isObject(item)) ? [[key, inner]] : []
    })
  )
}
