/** Headings of the documents that steps may cite, from `protocols/<name>/headings.txt`, by document. */
import { readFileSync } from "node:fs"
import { directive, forEachStatement } from "../src/sources/Statements.ts"

export const headingsOf = (protocol: string): Readonly<Record<string, ReadonlyArray<string>>> => {
  const found: { [document: string]: Array<string> } = {}
  let list: Array<string> = []
  const file = new URL(`../protocols/${protocol}/headings.txt`, import.meta.url)
  forEachStatement(readFileSync(file, "utf8"), ({ indented, text }) => {
    if (indented) list.push(text)
    else found[directive(text)[1]] = list = []
  })
  return found
}
