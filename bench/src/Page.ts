/** Puts the figures of a report into a page, in place of those that it had. */
import { readFileSync, writeFileSync } from "node:fs"

const BEGIN = "<!-- bench:table -->"
const END = "<!-- /bench:table -->"

/** Throws where the page has no place for figures. */
export const withFigures = (page: string, figures: string): string => {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`
}

export const writePage = (file: string, figures: string): void =>
  writeFileSync(file, withFigures(readFileSync(file, "utf8"), figures))
