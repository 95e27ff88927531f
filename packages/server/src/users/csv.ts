/**
 * A table as spreadsheets write it: fields separated by commas, semicolons or tabs, in UTF-8 with or without a byte order
 * mark, with empty columns and rows at its edges, and a first line `sep=;` if Excel wrote it for itself.
 */
import { CsvError, parse } from "csv-parse/sync"

/** A line that is not empty, with the number of the line that it ends on. */
export interface Row {
  readonly line: number
  readonly fields: ReadonlyArray<string>
}

export interface Table {
  readonly rows: ReadonlyArray<Row>
  /** Why nothing after the rows could be read. */
  readonly broken: { readonly line: number; readonly problem: string } | undefined
}

const DELIMITERS = [",", ";", "\t"] as const
type Delimiter = (typeof DELIMITERS)[number]

/** Excel's own note of the separator. */
const NOTE = /^sep=([,;\t])\r?\n/i

/** The one that separates most in the first line that has anything, quotes left out; a comma where none does. */
const delimiterOf = (csv: string): Delimiter => {
  const head = /[^\r\n]*\S[^\r\n]*/.exec(csv)?.[0].replaceAll(/"[^"]*"/g, "") ?? ""
  const count = (delimiter: Delimiter): number => head.split(delimiter).length
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best))
}

export const readTable = (text: string): Table => {
  const csv = text.replace(/^\uFEFF/, "")
  const note = NOTE.exec(csv)
  const rows: Array<Row> = []
  try {
    parse(csv, {
      delimiter: note?.[1] ?? delimiterOf(csv),
      from_line: note === null ? 1 : 2,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (fields: ReadonlyArray<string>, { lines }) => {
        if (fields.some((field) => field !== "")) rows.push({ line: lines, fields })
        return null
      }
    })
    return { rows, broken: undefined }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    return { rows, broken: { line: Number(error["lines"]) || 1, problem: problemOf(error) } }
  }
}

const problemOf = ({ code }: CsvError): string => {
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quoted field is not closed"
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
      return 'a quote stands within a field; write it twice in a field in quotes: "say ""so"""'
    default:
      return "is no CSV"
  }
}
