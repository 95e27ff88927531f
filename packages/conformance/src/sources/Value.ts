/**
 * Values in source texts: JSON without needless quotes, with short forms for what scenarios use most.
 *
 * | text | value |
 * | --- | --- |
 * | `word`, `chat/create`, `"any text"` | a string |
 * | `@g.id` | `{"$ref": "g.id"}` |
 * | `` `/start?token={alice.token}` `` | `{"$text": "/start?token={alice.token}"}` |
 * | `$int` | `"$int"` |
 * | `$not(0)` | `{"$not": 0}` |
 * | `$capture(g, $int)` | `{"$capture": ["g", "$int"]}`: two or more arguments are an array |
 * | `$join(@a, @b, with: "&")` | `{"$join": [{"$ref": "a"}, {"$ref": "b"}], "with": "&"}` |
 * | `chat{id: 3}` | `{"$shape": "chat", "with": {"id": 3}}` |
 * | `chat{}` | `{"$shape": "chat"}` |
 * | `%name` | the value of `let name …` in the same file |
 */
import type { Json } from "../Json.ts"
import { type Names, Scanner } from "./Scanner.ts"

const word = /[\p{L}_][\p{L}\p{N}_./-]*/uy
const variable = /[\p{L}\p{N}_.-]+/uy
const operator = /\$[A-Za-z0-9]+/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_./-])/uy
const quoted = /"(?:[^"\\]|\\.)*"/y
const template = /`[^`\n]*`/y
const bareKey = /[$\p{L}\p{N}_][\p{L}\p{N}_.-]*/uy
const argumentName = /[a-z]\w*:/y

/** At most 200 levels, as in `Json`. */
const deepest = 200

const literals: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["true", true],
  ["false", false],
  ["null", null]
])

const stringOf = (scanner: Scanner, text: string): string => {
  try {
    return String(JSON.parse(text))
  } catch {
    return scanner.fail(`${text} is not a JSON string`)
  }
}

const object = (scanner: Scanner, depth: number): { [key: string]: Json } => {
  const entries = new Map<string, Json>()
  while (!scanner.accept("}")) {
    const text = scanner.take(quoted)
    const key = text === undefined ? scanner.expect(bareKey, "a key or }") : stringOf(scanner, text)
    if (entries.has(key)) scanner.fail(`${key} is there twice`)
    if (!scanner.accept(":")) scanner.fail(": expected")
    entries.set(key, valueAt(scanner, depth))
    if (scanner.accept("}")) break
    if (!scanner.accept(",")) scanner.fail(", or } expected")
  }
  return Object.fromEntries(entries)
}

const array = (scanner: Scanner, depth: number): ReadonlyArray<Json> => {
  const items: Array<Json> = []
  while (!scanner.accept("]")) {
    items.push(valueAt(scanner, depth))
    if (scanner.accept("]")) break
    if (!scanner.accept(",")) scanner.fail(", or ] expected")
  }
  return items
}

/** One positional argument is the operator's own value, several are an array; named ones are further keys. */
const call = (scanner: Scanner, name: string, depth: number): Json => {
  const positional: Array<Json> = []
  const further = new Map<string, Json>()
  while (true) {
    scanner.skipSpace()
    const key = scanner.take(argumentName)
    if (key === undefined) positional.push(valueAt(scanner, depth))
    else further.set(key.slice(0, -1), valueAt(scanner, depth))
    if (scanner.accept(")")) break
    if (!scanner.accept(",")) scanner.fail(", or ) expected")
  }
  const [only] = positional
  if (only === undefined) return scanner.fail(`${name} has no argument without a name`)
  return Object.fromEntries([[name, positional.length === 1 ? only : positional], ...further])
}

const named = (scanner: Scanner): Json => {
  const name = scanner.expect(variable, "a name")
  return scanner.names.get(name) ?? scanner.fail(`no let ${name} above`)
}

const valueAt = (scanner: Scanner, depth: number): Json => {
  if (depth > deepest) scanner.fail("nested too deep")
  if (scanner.accept("{")) return object(scanner, depth + 1)
  if (scanner.accept("[")) return array(scanner, depth + 1)
  if (scanner.accept("@")) return { $ref: scanner.expect(variable, "a name") }
  if (scanner.accept("%")) return named(scanner)
  const text = scanner.take(quoted)
  if (text !== undefined) return stringOf(scanner, text)
  const filled = scanner.take(template)
  if (filled !== undefined) return { $text: filled.slice(1, -1) }
  const digits = scanner.take(number)
  if (digits !== undefined) return Number(digits)
  const name = scanner.take(operator)
  if (name !== undefined) return scanner.take(/\(/y) === undefined ? name : call(scanner, name, depth + 1)
  const bare = scanner.expect(word, "a value")
  if (scanner.take(/\{/y) === undefined) return literals.has(bare) ? (literals.get(bare) ?? null) : bare
  const fields = object(scanner, depth + 1)
  return Object.keys(fields).length === 0 ? { $shape: bare } : { $shape: bare, with: fields }
}

/** Reads the value at the scanner's position. Throws `SyntaxError`. */
export const readValue = (scanner: Scanner): Json => valueAt(scanner, 0)

/** The value that a whole text is. Throws `SyntaxError`. */
export const readWhole = (text: string, names: Names = new Map()): Json => {
  const scanner = new Scanner(text, names)
  const value = readValue(scanner)
  if (!scanner.ended) scanner.fail("the end of the value expected")
  return value
}
