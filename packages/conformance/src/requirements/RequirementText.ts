/**
 * Cuts a document into its statements: headings, sentences, list items, rows of tables and lines of examples. The same
 * text gives the same statements with the same keys, so that a requirement can name what it rests on by a hash alone.
 */
import { createHash } from "node:crypto"
import { examples } from "./RequirementExample.ts"

/** The headings above a statement from the second level down, outermost first. */
export type Path = ReadonlyArray<string>

export interface Statement {
  /** SHA-256, in hex, of the document's name, section, path and text; `.2`, `.3`, … for repetitions. */
  readonly key: string
  readonly kind: "heading" | "sentence" | "item" | "header" | "row" | "example"
  /** The headings joined by ` / `; for a heading those above it. */
  readonly section: string
  /** With runs of white space as one blank; the cells of a row joined by ` | `. */
  readonly text: string
  readonly cells?: ReadonlyArray<string>
  /** The path of an example's line in its value, as `data[].members[].id`. */
  readonly at?: string
  /** From 1. */
  readonly line: number
}

type Found = Omit<Statement, "key" | "section"> & { readonly path: Path }

const plain = (text: string): string =>
  text
    .replaceAll(/<[^<>]+>/g, "")
    .replaceAll("\u00a0", " ")
    .replaceAll(/\s+/g, " ")
    .trim()

/** Splits at 。 and ；, which the documents put between requirements. */
const sentences = (text: string): ReadonlyArray<string> =>
  text
    .split(/(?<=[。；])/u)
    .map(plain)
    .filter((one) => /[\p{L}\p{N}]/u.test(one))

/** The first row of a table names its columns. */
const row = (cells: ReadonlyArray<string>, first: boolean, path: Path, line: number): Found => {
  const texts = cells.map(plain)
  return { kind: first ? "header" : "row", text: texts.join(" | "), cells: texts, path, line }
}

const underline = /^[~=]{5,}\s*$/
const fence = /^```/
const bold = /^\*\*(.+?)\*\*:{0,2}\s*$/
/** A label on a line of its own, above a value or a table, as in 参数说明：. */
const label = /^([^|>*\s][^。；：:]{0,12})[：:]$/
/** Lines of layout only. */
const ornament = /^(-{3,}|-- end|\.\. _\w+:|\|[\s|:-]+\|)\s*$/

/** The statements of a document, in its order. `name` is the protocol's. Total: any text gives a list. */
export const statements = (name: string, text: string): ReadonlyArray<Statement> => {
  const lines = text.replaceAll("\r\n", "\n").split("\n")
  const found: Array<Found> = []
  /** Headings by level. The first level is the document's title and not part of any section. */
  const levels: Array<string> = []
  const path = (below = Infinity): Path => levels.slice(2, below).filter((one) => one !== undefined && one !== "")
  /** Labels are below every heading. */
  const labels = 7
  const enter = (level: number, title: string, line: number) => {
    found.push({ kind: "heading", text: title, path: path(level), line })
    levels.length = Math.min(levels.length, level)
    while (levels.length < level) levels.push("")
    levels.push(title)
  }
  let table = 0
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ""
    const number = at + 1
    const trimmed = line.trim()
    const isTable = trimmed.startsWith("|") || /^<\/?t(?!able)/.test(trimmed)
    if (!isTable) table = 0
    if (trimmed === "" || ornament.test(trimmed) || underline.test(line)) continue
    const heading = /^(#{1,6})\s+(.*)$/.exec(line)
    if (heading !== null) enter(heading[1]?.length ?? 1, plain(heading[2] ?? ""), number)
    else if (underline.test(lines[at + 1] ?? "")) enter((lines[at + 1] ?? "").startsWith("=") ? 1 : 2, trimmed, number)
    else if (fence.test(trimmed)) {
      const end = lines.findIndex((one, index) => index > at && fence.test(one.trim()))
      const until = end === -1 ? lines.length : end
      for (const one of examples(lines.slice(at + 1, until), number + 1)) {
        found.push({ kind: "example", path: path(), ...one })
      }
      at = until
    } else if (/::\s*$/.test(trimmed)) {
      const title = bold.exec(trimmed)?.[1] ?? plain(trimmed.replaceAll(/[*`:]/g, " "))
      enter(labels, title, number)
      const block = lines.findIndex((one, index) => index > at && /^\S/.test(one))
      const until = block === -1 ? lines.length : block
      for (const one of examples(lines.slice(at + 1, until), number + 1)) {
        found.push({ kind: "example", path: path(), ...one })
      }
      at = until - 1
    } else if (bold.test(trimmed)) enter(labels, plain(bold.exec(trimmed)?.[1] ?? ""), number)
    else if (label.test(trimmed)) enter(labels, label.exec(trimmed)?.[1] ?? "", number)
    else if (/^\*\*.+\*\*:$/.test(trimmed)) enter(labels, plain(trimmed.replaceAll(/[*:]/g, "")), number)
    else if (trimmed.startsWith("|")) {
      found.push(row(trimmed.replace(/^\||\|$/g, "").split("|"), table++ === 0, path(), number))
    } else if (trimmed.startsWith("<tr")) {
      const end = lines.findIndex((one, index) => index >= at && one.includes("</tr>"))
      const inside = lines.slice(at, end + 1).join(" ")
      const cells = Array.from(inside.matchAll(/<t[dh]>(.*?)<\/t[dh]>/g), ([, cell = ""]) => cell)
      const first = inside.includes("<th>") || table === 0
      table += 1
      found.push(row(cells, first, path(), number))
      at = Math.max(at, end)
    } else if (/^<\/?(table|thead|tbody)/.test(trimmed)) continue
    else {
      const item = /^(\*|\d+\.|>)\s+/.exec(trimmed)
      const content = item === null ? trimmed : trimmed.slice(item[0].length)
      for (const one of sentences(content)) {
        found.push({ kind: item === null ? "sentence" : "item", text: one, path: path(), line: number })
      }
    }
  }
  return keyed(name, found)
}

const keyed = (name: string, found: ReadonlyArray<Found>): ReadonlyArray<Statement> => {
  const seen = new Map<string, number>()
  return found.map(({ path, ...one }) => {
    const section = path.join(" / ")
    const hash = createHash("sha256")
      .update([name, section, one.at ?? "", one.text].join("\n"))
      .digest("hex")
    const times = (seen.get(hash) ?? 0) + 1
    seen.set(hash, times)
    return { ...one, section, key: times === 1 ? hash : `${hash}.${times}` }
  })
}
