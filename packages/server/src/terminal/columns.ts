/** Formats lists for a terminal. */
import type { Listing } from "@parley/core/Dialect"
import { printableCell } from "./printable.ts"

type Row = Listing["rows"][number]

/** A boolean is shown by its column's name, or not at all. */
const cell = (row: Row, column: string): string => {
  const value = row[column] ?? ""
  return typeof value === "boolean" ? (value ? column : "") : printableCell(String(value))
}

/** Returns aligned columns; control characters in cells are escaped. */
export const tableOf = ({ columns, empty, rows }: Listing): string => {
  if (rows.length === 0 && empty !== undefined) return empty
  const body = rows.map((row) => columns.map((column) => cell(row, column)))
  if (columns.length === 1) return body.join("\n")
  const all = [columns, ...body]
  const widths = columns.map((_, column) => all.reduce((most, row) => Math.max(most, (row[column] ?? "").length), 0))
  return all
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** Returns a JSON array of the rows. Control characters are escaped in all texts. */
export const jsonOf = ({ columns, rows }: Listing): string => {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? null])))
  return JSON.stringify(objects, undefined, 2)
}
