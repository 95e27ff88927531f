/** Prints the table of a document's requirements, and the readings, in the form that `src/sources` reads. */
import type { Rule } from "../../src/requirements/Rules.ts"
import type { Aside, Document, Reading, Requirement } from "../../src/requirements/Requirements.ts"
import type { RequirementSource } from "../../src/sources/RequirementTable.ts"
import type { Wording } from "../../src/sources/Wording.ts"
import { printTop } from "./printValue.ts"

const withoutPrefix = (ids: ReadonlyArray<string>, prefix: string): string =>
  ids.map((id) => id.slice(prefix.length)).join(", ")

const row = ({ id, doc, level, description, hash, ...rest }: Requirement, wording: Wording): string => {
  const { field, error, operation, checks, excluded } = rest
  const about = field === undefined ? (error === undefined ? "" : `error ${error}`) : `${field.in} ${field.name}`
  const sentences = wording.shorten(description, { field: field?.name, operation })
  const shown = excluded === undefined ? withoutPrefix(checks, `${doc}/`) : `excluded: ${excluded.reason}`
  return `  ${[id.slice(doc.length + 1), level, about, ...sentences, shown, hash].join(" | ")}`
}

/** Statements in a row that are set aside for the same reason share a line. */
const asideRows = (asides: ReadonlyArray<Aside>, doc: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const { reason, of, hash } of asides) {
    const start = `  - ${reason}${of === undefined ? "" : ` ${withoutPrefix(of, `${doc}.`)}`} | `
    const above = lines.at(-1)
    if (above?.startsWith(start) === true) lines[lines.length - 1] = `${above} ${hash}`
    else lines.push(start + hash)
  }
  return lines
}

/** The lines of the sections: requirements of a section first, then what is set aside there. */
const sections = ({ doc, requirements, asides }: Document, wording: Wording): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const rows = [...requirements]
  const aside = [...asides]
  let last: string | undefined
  let operation: string | undefined
  const takeAsides = (section: string) => {
    const end = aside.findIndex((one) => one.section !== section)
    lines.push(...asideRows(aside.splice(0, end === -1 ? aside.length : end), doc))
  }
  while (rows.length > 0 || aside.length > 0) {
    const next = aside[0]?.section
    const isAhead = next !== undefined && !rows.some(({ section }) => section === next)
    const section = isAhead ? next : (rows[0]?.section ?? next ?? "")
    const [chapter = ""] = section.split(" / ")
    if (chapter !== last) lines.push("")
    last = chapter
    lines.push(`section ${section}`.trim())
    while (!isAhead && rows[0]?.section === section) {
      const [first] = rows.splice(0, 1)
      if (first === undefined) break
      if (first.operation !== operation) lines.push(`operation ${first.operation ?? "none"}`)
      operation = first.operation
      lines.push(row(first, wording))
    }
    takeAsides(section)
  }
  return lines
}

/** The text of a table of requirements. */
export const printRequirements = (document: Document, source: Omit<RequirementSource, "document">): string => {
  const { wording, words, statements } = source
  const pairs = (kind: string, name: string, { en, zh }: { en: string; zh: string }) =>
    `${kind} ${name} | ${en} | ${zh}`
  const phrases = Array.from(wording.phrases, ([key, pair]) => {
    const space = key.indexOf(" ")
    return pairs(key.slice(0, space), key.slice(space + 1), pair)
  })
  const templates = Array.from(wording.templates, ([name, pair]) => pairs("template", name, pair))
  const head = [`document ${document.doc}`, `words ${words}`, `statements ${statements}`]
  const shared = phrases.length + templates.length === 0 ? [] : ["", ...phrases, ...templates]
  return `${[...head, ...shared, ...sections(document, wording)].join("\n")}\n`
}

const readingLines = (reading: Reading): string => {
  const { id, sections: where, of, forms, tolerated, why, requirements } = reading
  return [
    `reading ${id} ${of}`,
    ...(where.length === 0 ? [] : [`sections ${where.join(" | ")}`]),
    `forms ${printTop(forms, new Map())}`,
    ...(tolerated.length === 0 ? [] : [`tolerated ${printTop(tolerated, new Map())}`]),
    `en ${why.en}`,
    `zh ${why.zh}`,
    `requirements ${requirements.join(" ")}`
  ].join("\n")
}

/** The text of the readings. */
export const printReadings = (readings: ReadonlyArray<Reading>): string =>
  `${readings.map(readingLines).join("\n\n")}\n`

/** The text of the rules. */
export const printRules = (rules: ReadonlyArray<Rule>): string =>
  `${rules
    .map(({ id, profile, description: { en, zh } }) =>
      [`rule ${profile} ${id.slice(profile.length + 1)}`, `en ${en}`, `zh ${zh}`].join("\n")
    )
    .join("\n\n")}\n`
