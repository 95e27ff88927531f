/** Colors for terminals that support them. */
export type Colour = "green" | "red" | "yellow" | "grey" | "bold"

export type Paint = (colour: Colour, text: string) => string

const codes: { readonly [colour in Colour]: readonly [number, number] } = {
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
  grey: [90, 39],
  bold: [1, 22]
}

export const plain: Paint = (_, text) => text

export const painted: Paint = (colour, text) => {
  const [on, off] = codes[colour]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

/** A non-empty `NO_COLOR` turns colors off. */
export const paintFor = (terminal: boolean, env: { readonly [name: string]: string | undefined }): Paint =>
  terminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb" ? painted : plain

/** Escapes control characters except tab and line feed, so that a server's text cannot control the terminal. */
export const harmless = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (found) =>
    found === "\t" || found === "\n" ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/** A value as JSON with DEL and C1 controls escaped, which `JSON.stringify` leaves unescaped. */
export const harmlessJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
