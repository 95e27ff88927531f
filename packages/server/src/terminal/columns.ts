/** Formats aligned columns of text for a terminal; control characters in cells are escaped. */
import { printableCell } from "./printable.ts"

type Cells = ReadonlyArray<string>

export const columns = (header: Cells, rows: ReadonlyArray<Cells>): string => {
  const all = [header, ...rows.map((row) => row.map(printableCell))]
  const widths = header.map((_, column) => all.reduce((most, row) => Math.max(most, (row[column] ?? "").length), 0))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
