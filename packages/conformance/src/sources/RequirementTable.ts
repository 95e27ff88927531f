/**
 * Reads the table of a document's requirements, `requirements/<protocol>.txt`; `requirements/README.md` describes it. The
 * result has the form of `Document` in `requirements/Requirements.ts`, and is decoded as that.
 */
import type { Json, JsonObject } from "../Json.ts"
import { directive, forEachStatement, wordsOf } from "./Statements.ts"
import { readWhole } from "./Value.ts"
import { phraseKinds, Wording } from "./Wording.ts"

export interface RequirementSource {
  readonly document: Json
  readonly wording: Wording
  /** SHA-256 of the Chinese sentences when they were last compared with the document. */
  readonly words: string
  /** SHA-256 of the keys of the document's statements, sorted. */
  readonly statements: string
}

/** The section and the operation of the rows that follow. */
interface Place {
  section: string
  operation: string | undefined
}

const cellsOf = (text: string, count: number): ReadonlyArray<string> => {
  const cells = text.split("|").map((cell) => cell.trim())
  if (cells.length !== count) throw new SyntaxError(`${count} cells expected, ${cells.length} found`)
  return cells
}

const list = (text: string, prefix: string): ReadonlyArray<string> =>
  text === "" ? [] : text.split(",").map((item) => prefix + item.trim())

interface About {
  readonly field?: { readonly name: string; readonly in: string }
  readonly error?: string
}

/** `<direction> <field>`, `error <name>` or nothing. */
const aboutOf = (text: string): About => {
  if (text === "") return {}
  const [kind, name] = directive(text)
  return kind === "error" ? { error: name } : { field: { name, in: kind } }
}

const excluding = "excluded: "

const requirementOf = (text: string, doc: string, { section, operation }: Place, wording: Wording): JsonObject => {
  const [id = "", level = "", about = "", en = "", zh = "", shown = "", hash = ""] = cellsOf(text, 7)
  const { field, error } = aboutOf(about)
  const reason = shown.startsWith(excluding) ? shown.slice(excluding.length) : undefined
  return {
    id: `${doc}.${id}`,
    doc,
    section,
    level,
    description: { ...wording.expand(en, zh, { field: field?.name, operation }) },
    hash,
    ...(operation === undefined ? {} : { operation }),
    ...(field === undefined ? {} : { field }),
    ...(error === undefined ? {} : { error }),
    checks: reason === undefined ? list(shown, `${doc}/`) : [],
    ...(reason === undefined ? {} : { excluded: { reason } })
  }
}

/** Several statements may be set aside for one reason. */
const asidesOf = (text: string, doc: string, section: string): ReadonlyArray<JsonObject> => {
  const [why = "", hashes = ""] = cellsOf(text, 2)
  const [reason, of] = directive(why)
  return wordsOf(hashes).map((hash) => ({
    hash,
    section,
    reason,
    ...(of === "" ? {} : { of: list(of, `${doc}.`) })
  }))
}

const pairOf = (text: string): readonly [name: string, pair: { en: string; zh: string }] => {
  const [name = "", en = "", zh = ""] = cellsOf(text, 3)
  return [name, { en, zh }]
}

/** A table of requirements. Throws `SyntaxError` with the line. */
export const readRequirements = (text: string): RequirementSource => {
  const wording = new Wording()
  const requirements: Array<Json> = []
  const asides: Array<Json> = []
  const heads: { [name: string]: string } = { document: "", words: "", statements: "" }
  const place: Place = { section: "", operation: undefined }
  forEachStatement(text, ({ indented, text: body }) => {
    const doc = heads["document"] ?? ""
    const [name, rest] = directive(body)
    if (indented && name === "-") asides.push(...asidesOf(rest, doc, place.section))
    else if (indented) requirements.push(requirementOf(body, doc, place, wording))
    else if (Object.hasOwn(heads, name)) heads[name] = rest
    else if (name === "template") wording.templates.set(...pairOf(rest))
    else if (phraseKinds.some((kind) => kind === name)) {
      const [operation, pair] = pairOf(rest)
      wording.phrases.set(`${name} ${operation}`, pair)
    } else if (name === "section") place.section = rest
    else if (name === "operation") place.operation = rest === "none" ? undefined : rest
    else throw new SyntaxError(`no directive ${name}`)
  })
  const { document: doc = "", words = "", statements = "" } = heads
  return { document: { doc, requirements, asides }, wording, words, statements }
}

/** The readings, in the form of their file in JSON. Throws `SyntaxError` with the line. */
export const readReadings = (text: string): Json => {
  const readings: Array<{ [key: string]: Json }> = []
  forEachStatement(text, ({ text: body }) => {
    const [name, rest] = directive(body)
    if (name === "reading") {
      const [id, of] = directive(rest)
      const doc = id.slice(0, id.indexOf("."))
      readings.push({ id, doc, sections: [], of, forms: [], tolerated: [], why: {}, requirements: [] })
      return
    }
    const last = readings.at(-1)
    const read = Object.hasOwn(readingFields, name) ? readingFields[name] : undefined
    if (last === undefined || read === undefined) throw new SyntaxError(`no directive ${name} here`)
    Object.assign(last, read(rest, last))
  })
  return { readings }
}

const readingFields: { readonly [name: string]: (rest: string, reading: JsonObject) => JsonObject } = {
  sections: (rest) => ({ sections: rest.split("|").map((section) => section.trim()) }),
  forms: (rest) => ({ forms: readWhole(rest) }),
  tolerated: (rest) => ({ tolerated: readWhole(rest) }),
  en: (rest) => ({ why: { en: rest } }),
  zh: (rest, { why }) => ({ why: Object.assign({}, why, { zh: rest }) }),
  requirements: (rest) => ({ requirements: wordsOf(rest) })
}
