/** Prose in TypeScript and JavaScript: comments, and string literals that read as sentences. */
import type { Line } from "./Sentences.ts"

/** Consecutive lines of one comment, or one string. */
export interface Block {
  readonly kind: "comment" | "string"
  readonly lines: ReadonlyArray<Line>
}

/** A slash after one of these begins a regular expression. */
const BEFORE_REGEXP = /(?:^|[=(,:;!&|?{}[+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|yield|await|void|throw))$/

/** A sentence has four words or more, and does not begin as a statement of SQL. */
const isSentence = (text: string): boolean =>
  /^(?![A-Z]{2,} )[A-Za-z]\S* /.test(text) && /(?:[A-Za-z']+\W+){3}/.test(text)

/** Directives for tools are no prose. */
const isDirective = (text: string): boolean => /^\s*(?:oxlint|eslint|@ts-|prettier|oxfmt|#!|prose-)/.test(text)

/** Returns the blocks of a source, in order. */
export const blocksOf = (source: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let at = 0
  let line = 1
  /** Code since the last line comment: only white space keeps two of them together. */
  let before = ""
  let lastLineComment: Array<Line> | undefined
  /** Depth of braces within each open template literal. */
  const templates: Array<number> = []

  const advance = (count: number): string => {
    const text = source.slice(at, at + count)
    for (const char of text) if (char === "\n") line++
    at += count
    return text
  }
  const string = (text: string, from: number): void => {
    if (isSentence(text)) blocks.push({ kind: "string", lines: [{ text, line: from }] })
  }
  /** Reads the static text of a template literal up to its end or the next `${`; `X` stands for each value. */
  const template = (lead: string): void => {
    const from = line
    const start = at
    while (at < source.length && source[at] !== "`" && !source.startsWith("${", at))
      advance(source[at] === "\\" ? 2 : 1)
    const tail = source.startsWith("${", at) ? "X" : ""
    const text = `${lead}${source.slice(start, at)}${tail}`
    text.split("\n").forEach((each, i) => string(each.trim(), from + i))
    if (source.startsWith("${", at)) {
      advance(2)
      templates.push(0)
    } else advance(1)
    before = "x"
  }

  while (at < source.length) {
    const char = source[at]!
    if (source.startsWith("//", at)) {
      const text = /^.*/.exec(source.slice(at, at + 2000))![0]
      const own = { text: text.replace(/^\/\/+\s?/, ""), line }
      if (isDirective(own.text)) lastLineComment = undefined
      else if (lastLineComment !== undefined) lastLineComment.push(own)
      else blocks.push({ kind: "comment", lines: (lastLineComment = [own]) })
      advance(text.length)
      continue
    }
    if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2)
      const from = line
      const text = advance((end === -1 ? source.length : end + 2) - at)
      const lines = text
        .replace(/^\/\*+|\*+\/$/g, "")
        .split("\n")
        .map((each, i) => ({ text: each.replace(/^\s*\*\s?/, "").replace(/^\s*@\w+/, ""), line: from + i }))
      if (!isDirective(lines[0]!.text)) blocks.push({ kind: "comment", lines })
      continue
    }
    if (/\s/.test(char)) {
      advance(1)
      continue
    }
    lastLineComment = undefined
    if (char === '"' || char === "'") {
      const from = line
      const literal = /^(["'])(?:\\[\s\S]|(?!\1)[^\\\n])*\1?/.exec(source.slice(at, at + 10_000))![0]
      advance(literal.length)
      string(literal.slice(1, -1).replace(/\\(["'])/g, "$1"), from)
      before = "x"
    } else if (char === "`") {
      advance(1)
      template("")
    } else if (char === "/" && BEFORE_REGEXP.test(before)) {
      const literal = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/.exec(source.slice(at, at + 5000))
      advance(literal?.[0].length ?? 1)
      before = "x"
    } else if (char === "}" && templates.at(-1) === 0) {
      templates.pop()
      advance(1)
      template("X")
    } else {
      if (templates.length > 0 && char === "{") templates[templates.length - 1]!++
      if (templates.length > 0 && char === "}") templates[templates.length - 1]!--
      before = /\w/.test(char) ? `${/\w$/.test(before) ? before : ""}${char}`.slice(-10) : char
      advance(1)
    }
  }
  return blocks
}
