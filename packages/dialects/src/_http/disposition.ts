/**
 * Parses the headers of a form's parts: RFC 7578, with file names as in RFC 6266 and RFC 8187. Bytes are mapped to one
 * character each and each value is decoded separately, so that an error names the value that is not UTF-8.
 */
import * as Result from "effect/Result"
import { valueText } from "./utf8.ts"

export interface PartHead {
  readonly name: string
  /** Undefined for a field, "" for a file input without a chosen file. */
  readonly filename: string | undefined
  /** Lower case, without its parameters. */
  readonly contentType: string
}

const PARAMETER = /[ \t]*;[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|([^;"\t ]+))/y
const EXTENDED = /^([A-Za-z0-9-]+)'[A-Za-z0-9-]*'((?:%[0-9A-Fa-f]{2}|[!#$&+.^_`|~0-9A-Za-z-])*)$/

/** Parses one part's headers. A failure completes "part 2 …". */
export const readHead = (head: Uint8Array): Result.Result<PartHead, string> => {
  const headers = new Map<string, string>()
  // A line that begins with white space continues the previous one.
  for (const line of binary(head)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n")) {
    if (line === "") continue
    const colon = line.indexOf(":")
    if (colon < 1) return Result.fail("has a header line without a name")
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  const disposition = parametersOf(headers.get("content-disposition") ?? "")
  if (Result.isFailure(disposition)) return Result.fail(disposition.failure)
  const parameters = disposition.success
  const name = decode(parameters.get("name") ?? "")
  if (name === undefined) return Result.fail("has a name that is not UTF-8")
  const filename = filenameIn(parameters)
  if (Result.isFailure(filename)) return Result.fail(`(${displayName(name)}) ${filename.failure}`)
  const [type = ""] = (headers.get("content-type") ?? "").split(";", 1)
  return Result.succeed({ name, filename: filename.success, contentType: type.trim().toLowerCase() })
}

/** Returns a name for error messages: at most 64 characters, without control characters. */
export const displayName = (name: string): string => Array.from(name.replaceAll(/\p{C}/gu, "")).slice(0, 64).join("")

const binary = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const decode = (text: string): string | undefined =>
  valueText(Uint8Array.from(text, (character) => character.charCodeAt(0)))

/** Parses parameters; keys are lower-case names. */
const parametersOf = (disposition: string): Result.Result<ReadonlyMap<string, string>, string> => {
  const [type = ""] = disposition.split(";", 1)
  if (type.trim().toLowerCase() !== "form-data") return Result.fail("has no Content-Disposition of form-data")
  const parameters = new Map<string, string>()
  PARAMETER.lastIndex = type.length
  let end = type.length
  for (let match = PARAMETER.exec(disposition); match !== null; match = PARAMETER.exec(disposition)) {
    const [, name = "", quoted, token = ""] = match
    const key = name.toLowerCase()
    if (parameters.has(key)) return Result.fail(`gives ${key} twice`)
    // Browsers send a backslash unescaped; other clients escape quotes and backslashes with one.
    parameters.set(key, quoted === undefined ? token : quoted.replaceAll(/\\(["\\])/g, "$1"))
    end = PARAMETER.lastIndex
  }
  if (!/^[ \t;]*$/.test(disposition.slice(end))) return Result.fail("has a Content-Disposition that cannot be read")
  return parameters.has("name") ? Result.succeed(parameters) : Result.fail("has no name")
}

/** Returns the value of `filename*`, otherwise of `filename`. Source: RFC 6266, 4.3. */
const filenameIn = (parameters: ReadonlyMap<string, string>): Result.Result<string | undefined, string> => {
  const extended = parameters.get("filename*")
  if (extended !== undefined) {
    const [, charset = "", value = ""] = EXTENDED.exec(extended) ?? []
    const bytes = value.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16))
    )
    if (charset.toLowerCase() === "iso-8859-1") return Result.succeed(bytes)
    if (charset.toLowerCase() !== "utf-8") return Result.fail("has a filename* that cannot be read")
    const text = decode(bytes)
    return text === undefined ? Result.fail("has a filename* that is not UTF-8") : Result.succeed(text)
  }
  const plain = parameters.get("filename")
  if (plain === undefined) return Result.succeed(undefined)
  const text = decode(plain)
  return text === undefined ? Result.fail("has a filename that is not UTF-8") : Result.succeed(text)
}
