/** Generates the page for users from the table. */
import { protocols, type Reason } from "./Declaration.ts"
import { cells, table } from "./Table.ts"

const line = (values: ReadonlyArray<string>): string => `| ${values.join(" | ")} |`

/** Pads columns to their widest cell, as the formatter does. */
const padded = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)))
  const [head = [], ...rest] = rows.map((row) => row.map((value, column) => value.padEnd(widths[column] ?? 0)))
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)]
}

const LIVE = "●"

export const reasons: ReadonlyArray<Reason> = [
  ...new Set(cells.flatMap(({ cell }) => (cell._tag === "Not" ? [cell.why] : [])))
].toSorted((a, b) => (a.letter < b.letter ? -1 : 1))

const matrix = (operation: string): ReadonlyArray<string> =>
  padded([
    ["by \\ seen by", ...protocols],
    ...protocols.map((sender) => [
      sender,
      ...cells
        .filter((one) => one.operation === operation && one.sender === sender)
        .map(({ cell }) => (cell._tag === "Live" ? LIVE : cell.why.letter))
    ])
  ])

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

export const page = (): string =>
  [
    "# One chat, five faces",
    "",
    "A chat is one chat, whichever protocol made it. For each operation a table says which protocols can do it (rows) and how far the others see it",
    `(columns): ${LIVE} is live, a letter says why not and what happens instead. The tables and the reasons are what the tests declare and run against a`,
    "started server; this page is written by them.",
    "",
    "Live means: in groups that xuanxuan, spark, youdu and hisihi made alike, where hisihi takes part in those of its organisations, and where ha takes part",
    "in the pair. What xuanxuan sees is shown to clients of both kinds: by WebSocket in the documented profile, and by raw TCP in that of the 1.0 client.",
    "",
    ...table.flatMap(({ operation, description }) => [
      `## ${capital(operation)}`,
      "",
      `${capital(description)}.`,
      "",
      ...matrix(operation),
      ""
    ]),
    "## Letters",
    "",
    ...reasons.flatMap(({ letter, because, instead }) => [`- **${letter}**: ${because}. Instead: ${instead}.`]),
    ""
  ].join("\n")
