/** Checks one file. A line that holds `prose-disable-next-line` exempts the next one. */
import { linesOfMarkdown } from "./Markdown.ts"
import { check, type Finding } from "./Rules.ts"
import { sentencesOf } from "./Sentences.ts"
import { blocksOf } from "./TypeScript.ts"

export interface Located extends Finding {
  readonly line: number
  readonly sentence: string
}

const EXEMPT = "prose-disable-next-line"

/** Returns the habits in a source, by line. Strings count unless it is a test. */
export const checkFile = (path: string, source: string): ReadonlyArray<Located> => {
  const isTest = /(?:^|\/)test\//.test(path)
  const passages = path.endsWith(".md")
    ? [linesOfMarkdown(source)]
    : blocksOf(source)
        .filter(({ kind }) => kind === "comment" || !isTest)
        .map(({ lines }) => lines)
  const text = source.split("\n")
  return passages
    .flatMap(sentencesOf)
    .flatMap((sentence) =>
      check(sentence.text, sentence.heading).map((finding) => ({
        ...finding,
        line: sentence.lines[finding.at] ?? sentence.lines[0] ?? 1,
        sentence: sentence.text
      }))
    )
    .filter(({ line }) => text[line - 2]?.includes(EXEMPT) !== true)
    .sort((a, b) => a.line - b.line)
}
