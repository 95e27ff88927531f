/** Describes patterns to readers who do not know the matchers. */
import { isArray, isObject, type Json, type JsonObject, show } from "../Json.ts"
import { reading } from "../requirements/Requirements.ts"

const words: { readonly [matcher: string]: string } = {
  $int: "<a whole number>",
  $str: "<a text>",
  $filled: "<a text that is not empty>",
  $bool: "<true or false>",
  $ts: "<whole seconds since 1970, or 0>",
  $clock: "<the present time in seconds since 1970>",
  $recent: "<whole seconds since 1970, of today>",
  $any: "<anything>",
  $absent: "<absent>",
  $harmless: "<anything without a password, hash or token>"
}

const bare = (described: Json): string => (typeof described === "string" ? described : show(described))

/** A described value within other words. */
const inWords = (one: Json): string => (typeof one === "string" && one.startsWith("<") ? one.slice(1, -1) : show(one))

/** A choice of described values, as one text if they are short. */
const choice = (all: ReadonlyArray<Json>): Json => {
  const options = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
  const [first, ...others] = options
  if (first !== undefined && others.length === 0) return first
  if (options.every((one) => !isObject(one) && !isArray(one))) return `<${options.map(inWords).join(" or ")}>`
  return { "<one of>": options }
}

/** Several patterns for one value: objects are merged. */
const together = (parts: ReadonlyArray<Json>): Json => {
  const [first, ...others] = parts.filter((part) => part !== words["$any"])
  if (first !== undefined && others.length === 0) return first
  if (parts.every(isObject)) return Object.assign({}, ...parts)
  return { "<all of>": parts }
}

const list = (argument: Json): ReadonlyArray<Json> => (isArray(argument) ? argument : [argument])

const described: { readonly [matcher: string]: (argument: Json, pattern: JsonObject) => Json } = {
  $capture: (argument) => describePattern(list(argument)[1] ?? "$any"),
  $optional: (argument) => choice(["<absent>", describePattern(argument)]),
  $anyOf: (argument) => choice(list(argument).map(describePattern)),
  $all: (argument) => together(list(argument).map(describePattern)),
  $lenient: (argument) => describePattern(list(argument)[0] ?? "$any"),
  $not: (argument) => ({ "<not>": describePattern(argument) }),
  $unordered: (argument) => ({ "<exactly these, in any order>": list(argument).map(describePattern) }),
  $contains: (argument) =>
    typeof argument === "string"
      ? `<a text that contains ${argument}>`
      : { "<among others>": list(argument).map(describePattern) },
  $each: (argument) => ({ "<each item>": describePattern(argument) }),
  $before: (argument) => {
    const [first, second] = list(argument).map(describePattern)
    return { "<every one of these>": first ?? null, "<before all of these>": second ?? null }
  },
  $matches: (argument) => `<a text of the form ${bare(argument)}>`,
  $length: (argument) => `<${bare(argument)} items or characters>`,
  $list: (argument) => `<exactly ${list(argument).map(bare).join(", ")}, in a text with commas>`,
  $listed: (argument) => `<${list(argument).map(bare).join(", ")} among others, in a text with commas>`,
  $above: (argument) => `<more than ${bare(argument)}>`,
  $opened: (argument) => ({ "<sealed>": describePattern(argument) }),
  $like: (argument) => `<${bare(argument)}, with the other name>`,
  $reading: (argument) =>
    typeof argument === "string" ? choice((reading(argument)?.forms ?? []).map(describePattern)) : null
}

/** A field with several documented names is described under all of them. */
const namesOf = (named: Json | undefined): JsonObject =>
  isObject(named)
    ? Object.fromEntries(
        Object.entries(named).map(([id, pattern]) => {
          const forms = reading(id)?.forms ?? [id]
          return [forms.map(bare).join(" or "), describePattern(pattern)]
        })
      )
    : {}

/** The pattern in words in place of matchers, without captures and tolerated forms. */
export const describePattern = (pattern: Json): Json => {
  if (typeof pattern === "string") return Object.hasOwn(words, pattern) ? (words[pattern] ?? pattern) : pattern
  if (isArray(pattern)) return pattern.map(describePattern)
  if (!isObject(pattern)) return pattern
  const { $reading: named, ...rest } = pattern
  const matcher = Object.keys(rest).find((key) => Object.hasOwn(described, key))
  if (matcher !== undefined) return described[matcher]?.(pattern[matcher] ?? null, pattern) ?? null
  if (typeof named === "string") return described["$reading"]?.(named, pattern) ?? null
  const fields = Object.entries(rest).map(([key, value]) => [key, describePattern(value)])
  return { ...Object.fromEntries(fields), ...namesOf(named) }
}

/** The pattern in words, for a message. */
export const wordsOf = (pattern: Json): string => inWords(describePattern(pattern))
