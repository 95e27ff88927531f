/** Errors of PostgreSQL. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
import type { SqlError } from "effect/sql/SqlError"
import * as Data from "effect/Data"

/** The database cannot be used: unreachable, a wrong password, not the primary, newer than this version, … */
export class DatabaseError extends Data.TaggedError("DatabaseError")<{
  /** The database's URL, without the password. */
  readonly database: string
  /** One sentence for the operator. */
  readonly message: string
}> {}

/** Returns the error of the server or of the socket, which is more specific than the one around it. */
export const causeOf = ({ reason }: SqlError): unknown => reason.cause

/** Returns the error code of the server; undefined if the error did not come from it. */
export const codeOf = (error: SqlError): string | undefined => {
  const cause = causeOf(error)
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
}

/** The connection is lost, or the server shuts down, starts up, or has become a standby. */
export const isConnectionLost = (error: SqlError): boolean =>
  error.reason._tag === "ConnectionError" || ["57P01", "57P02", "57P03", "25006"].includes(codeOf(error) ?? "")

/** A unique violation, a deadlock or a serialization failure: another transaction was faster. */
export const isRace = (error: SqlError): boolean => ["23505", "40P01", "40001"].includes(codeOf(error) ?? "")

/**
 * Errors of single values, such as a text that is too long for an index: other batches of the same statement would have been committed.
 * Values that cannot be sent at all have no code.
 */
export const isAboutValues = (error: SqlError): boolean => {
  const code = codeOf(error)
  if (code !== undefined) return ["22", "23", "54"].includes(code.slice(0, 2))
  const cause = causeOf(error)
  return typeof cause === "object" && cause !== null && "_tag" in cause && cause._tag === "PgTypesCodecError"
}

/** Returns the error message without a full stop. */
export const errorText = (error: SqlError): string => {
  const cause = causeOf(error)
  // Node reports attempts to several addresses of one name as an `AggregateError` without a message.
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
  return (first instanceof Error && first.message !== "" ? first.message : error.message).replace(/\.$/, "")
}
