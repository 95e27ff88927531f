/** Formats a time in UTC, to the second. `milliseconds` since 1970. */
export const time = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z")
