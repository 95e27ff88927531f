import type { Json } from "../Json.ts"

/** Values by the names that a file gives them. */
export type Names = ReadonlyMap<string, Json>

/** A position in one statement of a source text. Each method throws `SyntaxError` with the column where it fails. */
export class Scanner {
  readonly text: string
  readonly names: Names
  #at = 0

  constructor(text: string, names: Names = new Map()) {
    this.text = text
    this.names = names
  }

  /** Whether only white space is left. */
  get ended(): boolean {
    this.skipSpace()
    return this.#at >= this.text.length
  }

  skipSpace(): void {
    while (/\s/.test(this.text.charAt(this.#at))) this.#at += 1
  }

  /** Consumes the text that a sticky pattern matches at this position; `undefined` if it does not match. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  /** As `take`, after white space; fails if the pattern does not match. */
  expect(pattern: RegExp, expected: string): string {
    this.skipSpace()
    return this.take(pattern) ?? this.fail(`${expected} expected`)
  }

  /** Consumes a literal text after white space; `false` if something else follows. */
  accept(literal: string): boolean {
    this.skipSpace()
    if (!this.text.startsWith(literal, this.#at)) return false
    this.#at += literal.length
    return true
  }

  /** Consumes a keyword that white space or the end follows. */
  keyword(word: string): boolean {
    this.skipSpace()
    const after = this.text.charAt(this.#at + word.length)
    return this.text.startsWith(word, this.#at) && /^\s?$/.test(after) && this.accept(word)
  }

  fail(message: string): never {
    const rest = this.text.slice(this.#at, this.#at + 20)
    throw new SyntaxError(`${message} at column ${this.#at + 1}${rest === "" ? ", at the end" : `: ${rest}`}`)
  }
}
