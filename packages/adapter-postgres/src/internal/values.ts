/**
 * Values of statements. PostgreSQL's text cannot contain U+0000, and JavaScript's can: it is stored as U+001A and "0", and U+001A as
 * itself twice, so that different texts stay different.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Result from "effect/Result"

type Parameter = PgTypes.Parameter

const ESCAPE = "\u001a"
const ESCAPED = new RegExp(`${ESCAPE}(.)`, "gs")

const escapeText = (text: string): string =>
  text.includes("\0") || text.includes(ESCAPE)
    ? text.replaceAll(ESCAPE, ESCAPE + ESCAPE).replaceAll("\0", `${ESCAPE}0`)
    : text

const unescapeText = (text: string): string =>
  text.includes(ESCAPE) ? text.replace(ESCAPED, (_, next: string) => (next === "0" ? "\0" : next)) : text

const HIGH = 2 ** 32

const readInteger = (bytes: Uint8Array, offset: number): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8)
  return view.getInt32(0) * HIGH + view.getUint32(4)
}

/** Integers are numbers: all of ours are below 2^53. */
const integer: PgTypes.Codec<number> = {
  encode: (value) => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigInt64(0, BigInt(value))
    return Result.succeed(bytes)
  },
  write: (sink, value) => {
    if (!Number.isSafeInteger(value))
      return Result.fail(new PgTypes.CodecError({ message: `${value} is not an integer` }))
    sink.int32(Math.floor(value / HIGH))
    sink.int32(value | 0)
    return Result.void
  },
  decode: (bytes) => Result.succeed(readInteger(bytes, 0)),
  read: (bytes, offset) => Result.succeed(readInteger(bytes, offset))
}

/** Codecs of a connection. */
export const types: PgTypes.Registry = PgTypes.makeRegistry()
types.register(PgTypes.OID.int8, integer)

const parameter = (oid: number, value: unknown): Parameter => ({
  [PgTypes.ParameterTypeId]: PgTypes.ParameterTypeId,
  oid,
  value
})

export const int = (value: number | null): Parameter => parameter(PgTypes.OID.int8, value)
export const ints = (values: ReadonlyArray<number | null>): Parameter => parameter(PgTypes.OID.int8Array, values)
export const bool = (value: boolean): Parameter => parameter(PgTypes.OID.bool, value)
export const bools = (values: ReadonlyArray<boolean | null>): Parameter => parameter(PgTypes.OID.boolArray, values)
export const text = (value: string | null): Parameter =>
  parameter(PgTypes.OID.text, value === null ? null : escapeText(value))
export const texts = (values: ReadonlyArray<string | null>): Parameter =>
  parameter(
    PgTypes.OID.textArray,
    values.map((value) => (value === null ? null : escapeText(value)))
  )

/** One row of a result, by position. */
export type Row = ReadonlyArray<unknown>

/** Reads the columns of one row in order. The types are those of the statement. */
export class Columns {
  readonly #row: Row
  #next = 0

  constructor(row: Row, from = 0) {
    this.#row = row
    this.#next = from
  }

  #take(): unknown {
    return this.#row[this.#next++]
  }

  int(): number {
    return this.#take() as number
  }

  intOrNull(): number | null {
    return this.#take() as number | null
  }

  bool(): boolean {
    return this.#take() as boolean
  }

  text(): string {
    return unescapeText(this.#take() as string)
  }

  textOrNull(): string | null {
    const value = this.#take() as string | null
    return value === null ? null : unescapeText(value)
  }

  ints(): ReadonlyArray<number> {
    return this.#take() as ReadonlyArray<number>
  }

  json(): unknown {
    return JSON.parse(this.text()) as unknown
  }
}
