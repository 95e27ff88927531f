/**
 * Compares a value with a pattern. Objects match by the fields of the pattern: further fields are always allowed. Arrays
 * match item by item, except by matchers.
 *
 * | matcher | matches |
 * | --- | --- |
 * | `"$int"` `"$str"` `"$bool"` | a whole number, a string, `true`/`false` (never `0`, `"1"`) |
 * | `"$filled"` | a string that is not empty |
 * | `"$ts"` | whole Unix seconds below 10^11, `0` for never |
 * | `"$clock"` | a number or its text: seconds of this machine's clock within ten minutes |
 * | `"$recent"` | whole Unix seconds within a day of this machine's clock |
 * | `"$any"` / `"$absent"` | any value / a missing field |
 * | `"$harmless"` | any value without a field that is named like a password, hash or token, at any depth |
 * | `{"$capture": ["name", p]}` | what `p` matches; stores the value as the variable `name` |
 * | `{"$optional": p}` | a missing field, or what `p` matches |
 * | `{"$anyOf": [p, …]}` `{"$all": [p, …]}` `{"$not": p}` | what one of them, all of them, or not `p` matches |
 * | `{"$unordered": [p, …]}` | an array of exactly these, in any order |
 * | `{"$contains": [p, …]}` | an array with an item for each of these, which may be a variable; with a string: a text that contains it |
 * | `{"$each": p}` | an array whose items all match |
 * | `{"$before": [p, q]}` | an array in which no item that `q` matches comes before one that `p` matches |
 * | `{"$matches": "^[0-9]+$"}` | a string that the regular expression matches |
 * | `{"$length": n}` | an array or string of that length |
 * | `{"$list": [v, …]}` `{"$listed": v}` | a comma-separated string of exactly these, or with this one among others |
 * | `{"$above": v}` | a number greater than `v` |
 * | `{"$opened": p, "key": k, "app": a}` | a text that `envelope` opens to JSON that `p` matches |
 * | `{"$like": v, "swap": [a, b]}` | `v` with `a` replaced by `b` in its texts |
 * | `{"$lenient": [p, q, "why"]}` | what `p` matches; what `q` matches, as tolerated |
 * | `{"$reading": "id"}` | one of the patterns of a reading of kind `value`, expanded by `Template` |
 * | `{"$reading": {"id": p}, …}` | beside other fields: the field under one of the names of a reading of kind `key` |
 * | operators of `Variables` | the value that they stand for |
 */
import { wordsOf } from "./describePattern.ts"
import { opened } from "./envelope.ts"
import { equals, field, isArray, isObject, type Json, type JsonObject, parse, show } from "../Json.ts"
import { reading } from "../requirements/Requirements.ts"
import { build, operatorOf, type Variables } from "./Variables.ts"
import { kinds } from "./matchers.ts"

export interface Mismatch {
  /** The path in the value, as `data.members[0].id`; empty for the value itself. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

export interface Match {
  readonly mismatches: ReadonlyArray<Mismatch>
  /** Captured values, present even if other parts did not match. */
  readonly captures: ReadonlyMap<string, Json>
  /** The readings whose tolerated form matched. */
  readonly lenient: ReadonlyArray<string>
}

/** The deepest nesting that is compared; a deeper value is a mismatch, never a stack overflow. */
const MAX_DEPTH = 64

const none: ReadonlyMap<string, Json> = new Map()
const passed: Match = { mismatches: [], captures: none, lenient: [] }
const failed = (path: string, expected: string, found: Json | undefined): Match => ({
  mismatches: [{ path, expected, found: show(found, 200) }],
  captures: none,
  lenient: []
})
const both = (a: Match, b: Match): Match => ({
  mismatches: [...a.mismatches, ...b.mismatches],
  captures: new Map([...a.captures, ...b.captures]),
  lenient: [...a.lenient, ...b.lenient]
})
const tolerated = (match: Match, why: string): Match => ({ ...match, lenient: [...match.lenient, why] })

/** Matchers with an argument. */
export const matchers: ReadonlyArray<string> = [
  "$capture",
  "$optional",
  "$anyOf",
  "$all",
  "$not",
  "$unordered",
  "$contains",
  "$each",
  "$before",
  "$length",
  "$matches",
  "$list",
  "$listed",
  "$above",
  "$opened",
  "$like",
  "$lenient",
  "$reading"
]

const items = (argument: Json): ReadonlyArray<Json> => (isArray(argument) ? argument : [argument])

/** The fields of a pattern with a value of their own, by which a reader recognizes an item. */
const ownValues = (pattern: Json, scope: Variables): ReadonlyArray<readonly [string, Json]> => {
  const built = isObject(pattern) ? build(pattern, scope) : null
  return Object.entries(isObject(built) ? built : {}).filter(
    ([key, value]) =>
      !key.startsWith("$") && (typeof value === "number" || (typeof value === "string" && !value.startsWith("$")))
  )
}

/** The only item that has one of the pattern's own values: the server's attempt at the missing one. */
const attemptAt = (pattern: Json, values: ReadonlyArray<Json>, scope: Variables): number => {
  for (const [key, wanted] of ownValues(pattern, scope)) {
    const same = values.flatMap((value, index) => (isObject(value) && value[key] === wanted ? [index] : []))
    if (same.length === 1) return same[0] ?? -1
  }
  return -1
}

/** Assigns every pattern to a different item, in any order. Backtracks, so the order of patterns does not matter. */
const assign = (
  patterns: ReadonlyArray<Json>,
  values: ReadonlyArray<Json>,
  scope: Variables,
  path: string,
  depth: number
): Match | undefined => {
  const [first, ...rest] = patterns
  if (first === undefined) return passed
  for (const [index, value] of values.entries()) {
    const head = compare(first, value, scope, `${path}[${index}]`, depth)
    if (head.mismatches.length > 0) continue
    const tail = assign(rest, values.toSpliced(index, 1), scope, path, depth)
    if (tail !== undefined) return both(head, tail)
  }
  return undefined
}

const split = (value: string): ReadonlyArray<string> => (value === "" ? [] : value.split(",")).toSorted()

const swapped = (value: Json, from: string, to: string): Json => {
  if (typeof value === "string") return from === "" ? value : value.replaceAll(from, to)
  if (isArray(value)) return value.map((item) => swapped(item, from, to))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, swapped(item, from, to)]))
}

/** Alternative names of one field: at least one is present, and each present one matches. */
const readField = (
  id: string,
  pattern: Json,
  value: JsonObject,
  scope: Variables,
  path: string,
  depth: number
): Match => {
  const found = reading(id)
  if (found === undefined) return failed(path, `a known reading, not ${id}`, undefined)
  const at = (name: string) => (path === "" ? name : `${path}.${name}`)
  const under = (names: ReadonlyArray<Json>) => names.map(String).filter((name) => Object.hasOwn(value, name))
  const compared = (names: ReadonlyArray<string>) =>
    names.map((name) => compare(pattern, field(value, name), scope, at(name), depth + 1)).reduce(both, passed)
  const printed = under(found.forms)
  if (printed.length > 0) return compared(printed)
  const loose = under(found.tolerated)
  if (loose.length > 0) return tolerated(compared(loose), id)
  return failed(at(found.forms.map((form) => show(form)).join(" or ")), wordsOf(build(pattern, scope)), undefined)
}

const matchWith = (
  name: string,
  pattern: JsonObject,
  value: Json | undefined,
  scope: Variables,
  path: string,
  depth: number
): Match => {
  const argument = pattern[name] ?? null
  const inner = (p: Json, v: Json | undefined, at = path) => compare(p, v, scope, at, depth + 1)
  const mismatch = () => failed(path, wordsOf(build(pattern, scope)), value)
  /** The mismatches of the items that are recognized, if there are any. */
  const unassigned = (parts: ReadonlyArray<Json>, values: ReadonlyArray<Json>): Match | undefined => {
    const near = parts
      .map((part) => [part, attemptAt(part, values, scope)] as const)
      .filter(([, index]) => index !== -1)
    const all = near.map(([part, index]) => inner(part, values[index], `${path}[${index}]`)).reduce(both, passed)
    return all.mismatches.length === 0 ? undefined : all
  }
  switch (name) {
    case "$capture": {
      const [key, wanted] = items(argument)
      const match = inner(wanted ?? "$any", value)
      if (match.mismatches.length > 0 || value === undefined || typeof key !== "string") return match
      return both(match, { ...passed, captures: new Map([[key, value]]) })
    }
    case "$optional":
      return value === undefined ? passed : inner(argument, value)
    case "$anyOf":
      return (
        items(argument)
          .map((option) => inner(option, value))
          .find((match) => match.mismatches.length === 0) ?? mismatch()
      )
    case "$all":
      return items(argument)
        .map((part) => inner(part, value))
        .reduce(both, passed)
    case "$lenient": {
      const [strict, loose, why] = items(argument)
      const first = inner(strict ?? "$any", value)
      if (first.mismatches.length === 0) return first
      const second = inner(loose ?? "$any", value)
      return second.mismatches.length === 0 ? tolerated(second, typeof why === "string" ? why : show(why)) : first
    }
    case "$not":
      return inner(argument, value).mismatches.length > 0 ? passed : mismatch()
    case "$unordered":
      if (!isArray(value) || value.length !== items(argument).length) return mismatch()
      return assign(items(argument), value, scope, path, depth + 1) ?? unassigned(items(argument), value) ?? mismatch()
    case "$contains": {
      const text = operatorOf(argument) === undefined ? argument : build(argument, scope)
      if (typeof text === "string") return typeof value === "string" && value.includes(text) ? passed : mismatch()
      if (!isArray(value)) return mismatch()
      return items(text)
        .map((part) => {
          const found = value.map((item) => inner(part, item)).find((match) => match.mismatches.length === 0)
          if (found !== undefined) return found
          const near = attemptAt(part, value, scope)
          if (near !== -1) return inner(part, value[near], `${path}[${near}]`)
          return failed(path, `an item like ${wordsOf(build(part, scope))}`, value)
        })
        .reduce(both, passed)
    }
    case "$each":
      if (!isArray(value)) return mismatch()
      return value.map((item, index) => inner(argument, item, `${path}[${index}]`)).reduce(both, passed)
    case "$before": {
      if (!isArray(value)) return mismatch()
      const [first, second] = items(argument)
      const fits = (part: Json | undefined) => (item: Json) => inner(part ?? "$any", item).mismatches.length === 0
      const [end, start] = [value.findLastIndex(fits(first)), value.findIndex(fits(second))]
      return start === -1 || end < start
        ? passed
        : failed(`${path}[${end}]`, wordsOf(build(pattern, scope)), value[end])
    }
    case "$matches":
      return typeof argument === "string" && typeof value === "string" && new RegExp(argument, "u").test(value)
        ? passed
        : mismatch()
    case "$length":
      return (isArray(value) || typeof value === "string") && value.length === argument ? passed : mismatch()
    case "$list":
    case "$listed": {
      const wanted = items(build(argument, scope)).map(String).toSorted()
      if (typeof value !== "string") return mismatch()
      const listed = split(value)
      const fits = name === "$list" ? equals(listed, wanted) : wanted.every((item) => listed.includes(item))
      return fits ? passed : mismatch()
    }
    case "$opened": {
      const [key, app] = [build(pattern["key"] ?? "", scope), build(pattern["app"] ?? "", scope)]
      if (typeof value !== "string" || typeof key !== "string" || typeof app !== "string") return mismatch()
      const inside = opened(value, key, app)
      return inside === undefined ? mismatch() : inner(argument, parse(inside), `${path}(opened)`)
    }
    case "$above": {
      const floor = build(argument, scope)
      return typeof value === "number" && typeof floor === "number" && value > floor ? passed : mismatch()
    }
    default: {
      const [from, to] = items(build(pattern["swap"] ?? [], scope)).map(String)
      return equals(swapped(build(argument, scope), from ?? "", to ?? ""), value) ? passed : mismatch()
    }
  }
}

const compare = (pattern: Json, value: Json | undefined, scope: Variables, path: string, depth: number): Match => {
  if (depth > MAX_DEPTH) return failed(path, `at most ${MAX_DEPTH} levels`, "deeper")
  if (typeof pattern === "string" && Object.hasOwn(kinds, pattern)) {
    return kinds[pattern]?.(value) === true ? passed : failed(path, wordsOf(pattern), value)
  }
  if (isArray(pattern)) {
    if (!isArray(value)) return failed(path, `an array like ${wordsOf(build(pattern, scope))}`, value)
    if (value.length !== pattern.length)
      return failed(path, pattern.length === 1 ? "1 item" : `${pattern.length} items`, value)
    return pattern.map((item, i) => compare(item, value[i], scope, `${path}[${i}]`, depth + 1)).reduce(both, passed)
  }
  if (!isObject(pattern)) return pattern === value ? passed : failed(path, show(pattern), value)
  if (operatorOf(pattern) !== undefined) {
    const wanted = build(pattern, scope)
    return equals(wanted, value) ? passed : failed(path, show(wanted), value)
  }
  const name = matchers.find((matcher) => Object.hasOwn(pattern, matcher))
  const named = pattern["$reading"]
  if (name !== undefined && !isObject(named)) return matchWith(name, pattern, value, scope, path, depth)
  if (!isObject(value)) return failed(path, `an object like ${wordsOf(build(pattern, scope))}`, value)
  const read = Object.entries(isObject(named) ? named : {}).map(([id, item]) =>
    readField(id, item, value, scope, path, depth)
  )
  return Object.entries(pattern)
    .filter(([key]) => key !== "$reading")
    .map(([key, item]) => compare(item, field(value, key), scope, path === "" ? key : `${path}.${key}`, depth + 1))
    .concat(read)
    .reduce(both, passed)
}

/** Compares `value` with `pattern`. Reads the variables and never writes them. Total for any two JSON values. */
export const match = (pattern: Json, value: Json | undefined, scope: Variables): Match =>
  compare(pattern, value, scope, "", 0)
