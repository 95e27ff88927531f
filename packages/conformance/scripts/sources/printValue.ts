/** Prints values in the form that `src/sources/Value.ts` reads. */
import { isArray, isObject, type Json, type JsonObject } from "../../src/Json.ts"

const bareWord = /^[\p{L}_][\p{L}\p{N}_./-]*$/u
const shapeName = /^[A-Za-z]+$/
const variable = /^[\p{L}\p{N}_.-]+$/u
const bareKey = /^[$\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u
const operator = /^\$[A-Za-z0-9]+$/
const literals = ["true", "false", "null"]

/** Operators that have further keys beside their own. */
const withArguments = new Set(["$join", "$seal", "$opened", "$like", "$shape"])

/** A string field of a valid file; empty for anything else. */
export const asText = (value: Json | undefined): string => (typeof value === "string" ? value : "")

/** The names that a file gives to values, by the JSON of the value. */
export type Printed = ReadonlyMap<string, string>

const printString = (text: string): string =>
  (bareWord.test(text) && !literals.includes(text)) || operator.test(text) ? text : JSON.stringify(text)

const printFields = (fields: JsonObject, names: Printed): string =>
  `{${Object.entries(fields)
    .map(([key, value]) => `${bareKey.test(key) ? key : JSON.stringify(key)}: ${printValue(value, names)}`)
    .join(", ")}}`

const printCall = (name: string, template: JsonObject, names: Printed): string => {
  const own = template[name] ?? null
  const positional = (isArray(own) && own.length > 1 ? own : [own]).map((value) => printValue(value, names))
  const named = Object.entries(template).flatMap(([key, value]) =>
    key === name ? [] : [`${key}: ${printValue(value, names)}`]
  )
  return `${name}(${[...positional, ...named].join(", ")})`
}

const printObject = (value: JsonObject, names: Printed): string => {
  const keys = Object.keys(value)
  const [first = ""] = keys
  const own = value[first]
  const fields = value["with"]
  if (keys.length === 1 && first === "$ref" && typeof own === "string" && variable.test(own)) return `@${own}`
  if (keys.length === 1 && first === "$text" && typeof own === "string" && !/[`\n]/.test(own)) return `\`${own}\``
  if (first === "$shape" && typeof own === "string" && shapeName.test(own) && !literals.includes(own)) {
    if (keys.length === 1) return `${own}{}`
    if (keys.length === 2 && isObject(fields) && Object.keys(fields).length > 0) return own + printFields(fields, names)
  }
  const isCall =
    operator.test(first) &&
    (keys.length === 1 || (withArguments.has(first) && keys.slice(1).every((key) => /^[a-z]\w*$/.test(key))))
  return isCall ? printCall(first, value, names) : printFields(value, names)
}

/** The value on one line. */
export const printValue = (value: Json, names: Printed): string => {
  if (typeof value === "string") return printString(value)
  const name = typeof value === "object" ? names.get(JSON.stringify(value)) : undefined
  if (name !== undefined) return `%${name}`
  if (isArray(value)) return `[${value.map((item) => printValue(item, names)).join(", ")}]`
  return isObject(value) ? printObject(value, names) : JSON.stringify(value)
}

/** As `printValue`; a string is quoted unless it is a matcher, so that it cannot be a keyword of a step. */
export const printTop = (value: Json, names: Printed): string =>
  typeof value === "string" && !operator.test(value) ? JSON.stringify(value) : printValue(value, names)

/** The longest line, in characters, that is not broken. */
const lineLength = 150

/** The statement in lines of about 150 characters, broken behind commas. */
export const wrap = (statement: string): string => {
  const pieces = statement.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|, |\n|[^"`,\n]+|,/g) ?? []
  const chunks = [""]
  for (const piece of pieces) {
    chunks[chunks.length - 1] += piece
    if (piece === ", ") chunks.push("")
  }
  let column = 0
  return chunks
    .map((chunk, index) => {
      const inLine = chunk.slice(chunk.lastIndexOf("\n") + 1)
      const needed = chunk.indexOf("\n") === -1 ? chunk.trimEnd().length : chunk.indexOf("\n")
      const breaks = index > 0 && column + needed > lineLength
      column = inLine.length + (inLine === chunk ? (breaks ? 4 : column) : 0)
      return breaks ? `\n    ${chunk}` : chunk
    })
    .join("")
    .replaceAll(/ +\n/g, "\n")
}
