/** Classification of SQLite errors. Codes: https://sqlite.org/rescode.html; the low byte is the primary code. */

const code = (cause: unknown): number =>
  typeof cause === "object" && cause !== null && "errcode" in cause && typeof cause.errcode === "number"
    ? cause.errcode
    : 0

export const isBusy = (cause: unknown): boolean => [5, 6].includes(code(cause) & 0xff)

export const isNoDatabase = (cause: unknown): boolean => (code(cause) & 0xff) === 26

/** SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY. */
export const isUniqueViolation = (cause: unknown): boolean => [2067, 1555].includes(code(cause))

/** Returns the error message without a full stop. */
export const errorText = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "")
