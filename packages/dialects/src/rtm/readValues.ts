/** Reads the objects of JSON files. */
import type { CommandFile } from "@parley/core/CommandFiles"
import * as Effect from "effect/Effect"
import { jsonProblem } from "../_http/jsonLimits.ts"
import { documentText } from "../_http/utf8.ts"
import { JsonValues } from "./JsonValues.ts"

export type Fields = Readonly<Record<string, unknown>>

/** An open file with its name. */
export interface NamedFile extends CommandFile {
  readonly name: string
}

/** An object of a file, or why there is none in its place. */
export interface FileValue {
  readonly offset: number
  readonly length: number
  readonly line: number
  readonly value: Fields | string
}

/** Size of one read, in bytes. */
const READ_SIZE = 1024 * 1024

/** Beginning of the first line of the service's data files. */
const FILE_HEADER = "#filetype:"

/** Returns the object; otherwise why the bytes do not have one. */
export const parseObject = (bytes: Uint8Array): Fields | string => {
  const text = documentText(bytes)
  if (text === undefined) return "not UTF-8"
  const problem = jsonProblem(text)
  if (problem !== undefined) return problem
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return "not JSON"
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : "not a JSON object"
}

const isHeader = (bytes: Uint8Array): boolean =>
  Array.from(FILE_HEADER).every((character, index) => bytes[index] === character.charCodeAt(0))

/** Calls `use` with the values of each read, in their order. `progress`: bytes that were read. */
export const readValues = Effect.fnUntraced(function* (
  file: NamedFile,
  use: (values: ReadonlyArray<FileValue>) => Effect.Effect<void, string>,
  progress: (bytes: number) => void = () => {}
): Effect.fn.Return<void, string> {
  const scanner = new JsonValues()
  // A scanned value ends in the bytes of this read, and begins in them or in those before.
  let recent = new Uint8Array(0)
  for (let offset = 0; ; offset += READ_SIZE) {
    const bytes = yield* file.read(offset, READ_SIZE)
    const isLast = offset + READ_SIZE >= file.size
    const base = offset - recent.length
    const window = new Uint8Array(recent.length + bytes.length)
    window.set(recent)
    window.set(bytes, recent.length)
    const values: Array<FileValue> = []
    for (const { offset: from, length, line, problem } of scanner.push(bytes, isLast)) {
      const text = window.subarray(from - base, from - base + length)
      if (problem === undefined && line === 1 && isHeader(text)) continue
      values.push({ offset: from, length, line, value: problem ?? parseObject(text) })
    }
    if (values.length > 0) yield* use(values)
    progress(bytes.length)
    if (isLast) return
    recent = window.slice(Math.max(0, window.length - 2 * READ_SIZE))
  }
})
