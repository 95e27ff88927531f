/** A table of the report. */
export interface Table {
  readonly title: string
  readonly head: ReadonlyArray<string>
  readonly body: ReadonlyArray<ReadonlyArray<string>>
  /** Explanation of the table. */
  readonly note?: string
}

const row = (cells: ReadonlyArray<string>, widths: ReadonlyArray<number>): string =>
  `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`

/** As Markdown, in columns, as the formatter has it. */
export const markdownOf = ({ title, head, body, note }: Table): string => {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...body].map((cells) => (cells[column] ?? "").length)))
  const lines = [row(head, widths), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`]
  return [
    `### ${title}`,
    ...(note === undefined ? [] : [note]),
    [...lines, ...body.map((cells) => row(cells, widths))].join("\n")
  ].join("\n\n")
}
