/**
 * Source texts by lines. A line at the margin is a directive, a line indented by two blanks an entry below it, and a line
 * indented further continues the line above. Blank lines and lines that begin with `#` are skipped.
 */
export interface Statement {
  /** From 1. */
  readonly line: number
  readonly indented: boolean
  readonly text: string
}

/** A fault in a source text. */
const faultAt = (line: number, cause: unknown): SyntaxError =>
  new SyntaxError(`line ${line}: ${cause instanceof Error ? cause.message : String(cause)}`)

/** The statements of a text, in order. Throws `SyntaxError` if the first line is a continuation. */
export const statementsIn = (text: string): ReadonlyArray<Statement> => {
  const found: Array<Statement> = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const body = line.trim()
    if (body === "" || body.startsWith("#")) continue
    const indent = line.length - line.trimStart().length
    const last = found.at(-1)
    if (indent <= 2) found.push({ line: index + 1, indented: indent > 0, text: body })
    else if (last === undefined) throw faultAt(index + 1, "this line continues nothing")
    else found[found.length - 1] = { ...last, text: `${last.text}\n${body}` }
  }
  return found
}

/** Calls `apply` for each statement of a text; a fault in one names its line. Throws `SyntaxError`. */
export const forEachStatement = (text: string, apply: (statement: Statement) => void): void => {
  for (const statement of statementsIn(text)) {
    try {
      apply(statement)
    } catch (cause) {
      throw faultAt(statement.line, cause)
    }
  }
}

/** A directive's name and what follows it. */
export const directive = (text: string): readonly [name: string, rest: string] => {
  const space = text.search(/\s/)
  return space === -1 ? [text, ""] : [text.slice(0, space), text.slice(space + 1).trim()]
}

/** The words of a list that blanks separate. */
export const wordsOf = (text: string): ReadonlyArray<string> => text.split(/\s+/).filter((word) => word !== "")
