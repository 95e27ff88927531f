/**
 * Values of a JSON file, with their positions: one on each line, or the elements of arrays. Other bytes
 * are returned as well, so that every line is imported or reported.
 */

/** A value, or what stands in its place. */
export interface Scanned {
  /** Position in the file, in bytes. */
  readonly offset: number
  readonly length: number
  /** From 1. */
  readonly line: number
  /** Why it cannot be a value; undefined for bytes that may be one. */
  readonly problem?: string
}

/** Maximum size of a value, in bytes. */
export const MAX_VALUE = 1024 * 1024

const TAB = 0x09
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const OPENING_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

const isBlank = (byte: number | undefined): boolean =>
  byte === SPACE || byte === TAB || byte === RETURN || byte === NEWLINE

/**
 * Where the scanner is: between lines; in an array of several lines; in an array that ends with its line; in the rest of
 * a line that is left out, before one of these.
 */
type Mode = "lines" | "array" | "line array"

export class JsonValues {
  #bytes = new Uint8Array(0)
  /** Position in the file of the first byte of `#bytes`. */
  #base = 0
  #at = 0
  #line = 1
  #mode: Mode = "lines"
  #isSkipping = false
  /** Whether arrays may have several lines: in files that begin with one. */
  #hasLongArrays: boolean | undefined

  /** Returns the values that are complete with these bytes; `isLast` ends the file. */
  push(bytes: Uint8Array, isLast: boolean): ReadonlyArray<Scanned> {
    const rest = this.#bytes.subarray(this.#at)
    const all = new Uint8Array(rest.length + bytes.length)
    all.set(rest)
    all.set(bytes, rest.length)
    this.#base += this.#at
    this.#bytes = all
    this.#at = 0
    if (this.#hasLongArrays === undefined && BYTE_ORDER_MARK.every((byte, index) => all[index] === byte)) this.#at = 3
    const found: Array<Scanned> = []
    for (;;) {
      const one = this.#next(isLast)
      if (one === undefined) break
      if (one !== "none") found.push(one)
    }
    if (isLast && this.#mode === "array") {
      found.push({ offset: this.#base + this.#at, length: 0, line: this.#line, problem: "the array does not end" })
    }
    return found
  }

  /** Returns the next value, or "none" after a step without one; undefined if more bytes are needed. */
  #next(isLast: boolean): Scanned | "none" | undefined {
    if (this.#isSkipping) {
      const end = this.#bytes.indexOf(NEWLINE, this.#at)
      this.#moveTo(end < 0 ? this.#bytes.length : end)
      if (end < 0) return undefined
      this.#isSkipping = false
    }
    this.#skipBlanks()
    const first = this.#bytes[this.#at]
    if (first === undefined) return undefined
    this.#hasLongArrays ??= first === OPENING_BRACKET
    if (this.#mode === "lines") {
      if (first !== OPENING_BRACKET) return this.#take(this.#endOfLine(), isLast)
      this.#moveTo(this.#at + 1)
      this.#mode = this.#hasLongArrays ? "array" : "line array"
      return "none"
    }
    if (first === CLOSING_BRACKET || first === NEWLINE) {
      this.#moveTo(this.#at + 1)
      this.#mode = "lines"
      return "none"
    }
    return this.#take(this.#endOfElement(), isLast)
  }

  /** Returns the value up to `end`, which is -1 if the bytes do not have it. */
  #take(end: number, isLast: boolean): Scanned | undefined {
    const start = this.#at
    const line = this.#line
    const offset = this.#base + start
    if (end < 0 && !isLast && this.#bytes.length - start <= MAX_VALUE) return undefined
    const until = end < 0 ? this.#bytes.length : end
    this.#moveTo(until)
    if (until - start > MAX_VALUE) {
      this.#isSkipping = end < 0
      return { offset, line, length: until - start, problem: `longer than ${MAX_VALUE} bytes` }
    }
    return { offset, line, length: until - start }
  }

  #endOfLine(): number {
    return this.#bytes.indexOf(NEWLINE, this.#at)
  }

  /** An element ends before a comma or the end of its array, and where a text has a line break, which JSON does not allow. */
  #endOfElement(): number {
    let depth = 0
    let isText = false
    for (let at = this.#at; at < this.#bytes.length; at++) {
      const byte = this.#bytes[at]
      if (byte === NEWLINE && (isText || this.#mode === "line array")) return at
      if (isText) {
        if (byte === BACKSLASH && this.#bytes[at + 1] !== NEWLINE) at++
        else if (byte === QUOTE) isText = false
      } else if (byte === QUOTE) isText = true
      else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth++
      else if (depth === 0 && (byte === COMMA || byte === CLOSING_BRACKET)) return at
      else if ((byte === CLOSING_BRACE || byte === CLOSING_BRACKET) && depth > 0) depth--
    }
    return -1
  }

  /** Moves to a byte that is not blank; in an array, commas are blank, and a line break ends an array of one line. */
  #skipBlanks(): void {
    let at = this.#at
    for (; at < this.#bytes.length; at++) {
      const byte = this.#bytes[at]
      if (byte === NEWLINE && this.#mode === "line array") break
      if (!isBlank(byte) && !(byte === COMMA && this.#mode !== "lines")) break
    }
    this.#moveTo(at)
  }

  #moveTo(at: number): void {
    for (let one = this.#at; one < at; one++) if (this.#bytes[one] === NEWLINE) this.#line++
    this.#at = at
  }
}
