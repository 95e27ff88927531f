/**
 * JSON text in ASCII. The 1.0 client decodes each TCP chunk by itself, and replaces characters whose bytes are in two of
 * them. Source: PROTOCOLS, "Two wire profiles".
 */

const NON_ASCII = /[\u0080-\uffff]/
const FIRST_NON_ASCII = 0x80
const UTF16_UNITS = 0x10000

/** Escapes by UTF-16 unit, each created on first use. Dense, since V8 looks up a sparse array like a hash table. */
let escapes: Array<string | undefined> | undefined

/** Returns JSON text of the same value, with every UTF-16 unit beyond ASCII as `\uXXXX`; ASCII text is returned unchanged. */
export const asciiJson = (json: string): string => {
  if (!NON_ASCII.test(json)) return json
  escapes ??= Array.from({ length: UTF16_UNITS })
  let text = ""
  let copied = 0
  for (let index = 0; index < json.length; index++) {
    const unit = json.charCodeAt(index)
    if (unit < FIRST_NON_ASCII) continue
    if (index > copied) text += json.slice(copied, index)
    text += escapes[unit] ??= `\\u${unit.toString(16).padStart(4, "0")}`
    copied = index + 1
  }
  return text + json.slice(copied)
}
