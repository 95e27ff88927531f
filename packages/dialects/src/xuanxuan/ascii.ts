/**
 * JSON text in ASCII. The 1.0 client decodes each TCP chunk by itself, and replaces characters whose bytes are in two of
 * them. Source: PROTOCOLS, "Two wire profiles".
 */

const NON_ASCII = /[\u0080-\uffff]+/g

/** Escapes by UTF-16 unit, created on first use. */
const escapes: Array<string | undefined> = []

const escapeOf = (unit: number): string => (escapes[unit] ??= `\\u${unit.toString(16).padStart(4, "0")}`)

const escaped = (run: string): string => {
  let text = ""
  for (let index = 0; index < run.length; index++) text += escapeOf(run.charCodeAt(index))
  return text
}

/** Returns JSON text of the same value, with every UTF-16 unit beyond ASCII as `\uXXXX`; ASCII text is returned unchanged. */
export const asciiJson = (json: string): string => json.replace(NON_ASCII, escaped)
