/** Text that others chose, for a terminal: control characters and marks that reorder text are shown by their numbers. */
const STEERING = /[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu

const named = (found: string): string => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`

/** For a part of a line. */
export const printableCell = (text: string): string => text.replaceAll(STEERING, named)

/** For what may have several lines. */
export const printable = (text: string): string =>
  text.replaceAll(STEERING, (found) => (found === "\n" || found === "\t" ? found : named(found)))
