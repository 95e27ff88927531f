/** Escapes control characters and marks that reorder text, so that text of others cannot control the terminal. */
const CONTROL = /[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu

const escaped = (found: string): string => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`

/** Escapes text within a line, including its newlines and tabs. */
export const printableCell = (text: string): string => text.replaceAll(CONTROL, escaped)

/** Escapes text of several lines; newlines and tabs are kept. */
export const printable = (text: string): string =>
  text.replaceAll(CONTROL, (found) => (found === "\n" || found === "\t" ? found : escaped(found)))
