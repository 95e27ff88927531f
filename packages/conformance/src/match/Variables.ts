/**
 * Variables that a scenario's steps share: fresh values, captured values, and values of the actors (`alice.id`,
 * `alice.account`, `alice.sid` …).
 *
 * A template is JSON in which an object with one `$` key stands for a value:
 *
 * | template | value |
 * | --- | --- |
 * | `{"$ref": "g"}` | the value named `g` |
 * | `{"$new": "g"}` | a fresh unique string, named `g` from now on |
 * | `{"$newInt": "n"}` | a fresh positive integer, named `n` from now on |
 * | `{"$text": "chat {g}"}` | the text with names in braces replaced |
 * | `{"$join": [a, b], "with": "&", "sorted": true}` | the values as strings, joined, in string order if `sorted` |
 * | `{"$md5": t}` | 32 lower-case hex digits |
 * | `{"$hmacSha1": [k, t]}` | 40 lower-case hex digits: the HMAC-SHA1 of `t` with the key `k` |
 * | `{"$repeat": [t, 1000]}` | the string repeated |
 * | `{"$now": "seconds"}` | digits: the time by this machine's clock since 1970 in `seconds` or `milliseconds` |
 * | `{"$seal": t, "key": k, "app": a}` | `t`, or its JSON, sealed by `envelope` |
 */
import { createHash, createHmac, randomInt, randomUUID } from "node:crypto"
import { seal } from "./envelope.ts"
import { isArray, isObject, type Json, type JsonObject } from "../Json.ts"

export type Variables = Map<string, Json>

/** The longest text of `$repeat`, in characters. */
const longest = 8 * 1024 * 1024

export const operators: ReadonlySet<string> = new Set([
  "$ref",
  "$new",
  "$newInt",
  "$text",
  "$join",
  "$md5",
  "$hmacSha1",
  "$repeat",
  "$now",
  "$seal"
])

/** The name of the template's operator; `undefined` if it has none. */
export const operatorOf = (template: Json): string | undefined =>
  isObject(template) ? Object.keys(template).find((key) => operators.has(key)) : undefined

const asText = (value: Json | undefined): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value)

const operate = (operator: string, template: JsonObject, scope: Variables): Json => {
  const argument = template[operator] ?? null
  switch (operator) {
    case "$ref":
      return scope.get(asText(argument)) ?? null
    case "$new": {
      const fresh = randomUUID()
      scope.set(asText(argument), fresh)
      return fresh
    }
    case "$newInt": {
      const fresh = randomInt(2 ** 40, 2 ** 48 - 1)
      scope.set(asText(argument), fresh)
      return fresh
    }
    case "$text":
      return asText(argument).replaceAll(/\{([^}]+)\}/g, (_, name: string) => asText(scope.get(name)))
    case "$md5":
      return createHash("md5")
        .update(asText(build(argument, scope)))
        .digest("hex")
    case "$hmacSha1": {
      const [key, text] = (isArray(argument) ? argument : []).map((part) => asText(build(part, scope)))
      return createHmac("sha1", key ?? "")
        .update(text ?? "")
        .digest("hex")
    }
    case "$now":
      return String(argument === "seconds" ? Math.floor(Date.now() / 1000) : Date.now())
    case "$seal": {
      const [key, app] = ["key", "app"].map((name) => asText(build(template[name] ?? "", scope)))
      return seal(asText(build(argument, scope)), key ?? "", app ?? "")
    }
    case "$join": {
      const parts = (isArray(argument) ? argument : []).map((part) => asText(build(part, scope)))
      return (template["sorted"] === true ? parts.toSorted() : parts).join(asText(template["with"] ?? ","))
    }
    default: {
      const [unit, times] = isArray(argument) ? argument : []
      const text = asText(build(unit ?? "", scope))
      return text.repeat(Math.max(0, Math.min(Number(times), Math.floor(longest / Math.max(1, text.length)))))
    }
  }
}

/** The template with every operator replaced by its value. Matchers (`"$int"`, `{"$anyOf": …}`) stay as they are. */
export const build = (template: Json, scope: Variables): Json => {
  if (isArray(template)) return template.map((item) => build(item, scope))
  if (!isObject(template)) return template
  const operator = operatorOf(template)
  if (operator !== undefined) return operate(operator, template, scope)
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, build(value, scope)]))
}

const walk = (template: Json, visit: (object: JsonObject) => void): void => {
  if (isArray(template)) template.forEach((item) => walk(item, visit))
  else if (isObject(template)) {
    visit(template)
    Object.values(template).forEach((value) => walk(value, visit))
  }
}

/** Names that a template reads. */
export const reads = (template: Json): ReadonlySet<string> => {
  const names = new Set<string>()
  walk(template, (object) => {
    if (typeof object["$ref"] === "string") names.add(object["$ref"])
    if (typeof object["$text"] === "string") {
      for (const match of object["$text"].matchAll(/\{([^}]+)\}/g)) if (match[1] !== undefined) names.add(match[1])
    }
  })
  return names
}

/** Names that a template sets, by `$new`, `$newInt` or by a matcher's `$capture`. */
export const writes = (template: Json): ReadonlySet<string> => {
  const names = new Set<string>()
  walk(template, (object) => {
    for (const made of [object["$new"], object["$newInt"]]) if (typeof made === "string") names.add(made)
    const capture = object["$capture"]
    if (isArray(capture) && typeof capture[0] === "string") names.add(capture[0])
  })
  return names
}
