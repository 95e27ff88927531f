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
    "# Cross-protocol feature matrix",
    "",
    "All protocols share the same chats. For each operation a table shows the protocols that can execute it (rows) and its effect in the others",
    `(columns): ${LIVE} is live; a letter refers to the reason for which it is not, and to the replacement. Tests run all tables and reasons against a`,
    "running server, and generate this page.",
    "",
    "Live applies to groups created through xuanxuan, spark, youdu and hisihi; with hisihi only to groups of its organisations, and with ha to direct",
    "chats; the app of rtm is added with `--direct`. A message is seen by youdu in the callback of an app whose user is in the chat. For xuanxuan it applies to both kinds of clients: over WebSocket in the documented profile, and over raw TCP in that of the 1.0 client.",
    "",
    ...table.flatMap(({ operation, description }) => [
      `## ${capital(operation)}`,
      "",
      `${capital(description)}.`,
      "",
      ...matrix(operation),
      ""
    ]),
    "## Transient messages",
    "",
    "Messages that are not stored, sent by rtm or by `sendTransient` of the embedding API, are pushed to clients of rtm only: in the documents of the",
    "other protocols every message is stored, and their clients keep what they get.",
    "",
    "## Reasons",
    "",
    ...reasons.flatMap(({ letter, because, instead }) => [`- **${letter}**: ${because}. Instead: ${instead}.`]),
    ""
  ].join("\n")
