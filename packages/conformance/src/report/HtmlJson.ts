/** JSON as readable HTML, with the places of a mismatch marked. */
import { isArray, isObject, type Json, parse } from "../Json.ts"
import { escapeXml as text } from "./Junit.ts"

/** The paths that a reason names: `json.data[0].id: expected …, found …; …`. */
export const pathsIn = (reason: string): ReadonlySet<string> =>
  new Set(Array.from(reason.matchAll(/(?:^|; |nearest: )([\w$.[\]\p{L}-]+): expected /gu), ([, path = ""]) => path))

/** The deepest nesting that is shown on several lines. */
const MAX_DEPTH = 12

const pretty = (value: Json, path: string, marked: ReadonlySet<string>, depth: number): string => {
  const shown = inside(value, path, marked, depth)
  return marked.has(path) ? `<mark>${shown}</mark>` : shown
}

const inside = (value: Json, path: string, marked: ReadonlySet<string>, depth: number): string => {
  const isFlat = JSON.stringify(value).length < 60 && !hasMarkBelow(path, marked)
  if (depth > MAX_DEPTH || isFlat || (!isArray(value) && !isObject(value))) return text(JSON.stringify(value))
  const indent = "  ".repeat(depth + 1)
  const items = isArray(value)
    ? value.map((item, index) => `${indent}${pretty(item, `${path}[${index}]`, marked, depth + 1)}`)
    : Object.entries(value).map(([key, item]) => {
        const at = path === "" ? key : `${path}.${key}`
        return `${indent}${text(JSON.stringify(key))}: ${pretty(item, at, marked, depth + 1)}`
      })
  const [open, close] = isArray(value) ? "[]" : "{}"
  return `${open}\n${items.join(",\n")}\n${"  ".repeat(depth)}${close}`
}

const hasMarkBelow = (path: string, marked: ReadonlySet<string>): boolean =>
  [...marked].some((one) => path === "" || one.startsWith(`${path}.`) || one.startsWith(`${path}[`))

/** A message: JSON on several lines with these paths marked, also behind the head of an HTTP message; else the text. */
export const messageHtml = (message: string, marked: ReadonlySet<string> = new Set()): string => {
  const value = parse(message)
  if (value !== undefined) return pretty(value, "", marked, 0)
  const gap = message.indexOf("\n\n")
  const body = gap < 0 ? undefined : parse(message.slice(gap + 2))
  return body === undefined ? text(message) : `${text(message.slice(0, gap))}\n\n${pretty(body, "", new Set(), 0)}`
}
