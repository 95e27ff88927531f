/**
 * Reads CSV as written by spreadsheets: fields separated by commas, semicolons or tabs, in UTF-8 with or without a byte order
 * mark, with empty columns and rows at the edges, and possibly Excel's first line `sep=;`.
 */
import { CsvError, parse } from "csv-parse/sync"

/** A record that is not empty, with the number of its last line. */
export interface Row {
  readonly line: number
  readonly fields: ReadonlyArray<string>
}

export interface Table {
  readonly rows: ReadonlyArray<Row>
  /** The error after which nothing was read; undefined if there was none. */
  readonly broken: { readonly line: number; readonly problem: string } | undefined
}

const DELIMITERS = [",", ";", "\t"] as const
type Delimiter = (typeof DELIMITERS)[number]

/** Excel's line that declares the separator. */
const SEPARATOR_LINE = /^sep=([,;\t])\r?\n/i

/** Returns the most frequent delimiter in the first line that is not empty, outside quotes; a comma if there is none. */
const delimiterOf = (csv: string): Delimiter => {
  const head = /[^\r\n]*\S[^\r\n]*/.exec(csv)?.[0].replaceAll(/"[^"]*"/g, "") ?? ""
  const count = (delimiter: Delimiter): number => head.split(delimiter).length
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best))
}

export const readTable = (text: string): Table => {
  const csv = text.replace(/^\uFEFF/, "")
  const separator = SEPARATOR_LINE.exec(csv)
  const rows: Array<Row> = []
  try {
    parse(csv, {
      delimiter: separator?.[1] ?? delimiterOf(csv),
      from_line: separator === null ? 1 : 2,
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
      return 'there is a quote within a field; put the field in quotes and double the quote: "say ""so"""'
    default:
      return "is not valid CSV"
  }
}
