/** Prose in Markdown: paragraphs, list items, headings and table cells, without code and front matter. */
import type { Line } from "./Sentences.ts"

/** Returns lines of running text; an empty one stands between two pieces that are read separately. */
export const linesOfMarkdown = (source: string): ReadonlyArray<Line> => {
  const lines: Array<Line> = []
  let fence: string | undefined
  let matter = source.startsWith("---\n")
  source.split("\n").forEach((text, index) => {
    const line = index + 1
    const blank = (): void => void lines.push({ text: "", line })
    if (matter) {
      if (index > 0 && text === "---") matter = false
      return
    }
    const mark = /^\s*(```+|~~~+)/.exec(text)?.[1]
    if (fence !== undefined || mark !== undefined) {
      if (fence === undefined) fence = mark
      else if (mark !== undefined && mark.startsWith(fence)) fence = undefined
      return blank()
    }
    if (/^\s*\|/.test(text)) {
      for (const cell of text.replace(/`[^`]*`/g, (code) => code.replaceAll("|", "/")).split(/(?<!\\)\|/)) {
        lines.push({ text: cell, line })
        blank()
      }
      return
    }
    const heading = text.startsWith("#")
    const item = /^\s*(?:[-*+]|\d+\.|#+|>)\s+(.*)$/.exec(text)
    if (item !== null) blank()
    lines.push({ text: item?.[1] ?? text, line, heading })
    if (heading) blank()
  })
  return lines
}
