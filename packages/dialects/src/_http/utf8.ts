/** Strict UTF-8: bytes that are not UTF-8 are refused, never stored as replacement characters. */

/** Every runtime has it; this package's types name no runtime. */
declare const TextDecoder: new (
  encoding: "utf-8",
  options: { readonly fatal: true; readonly ignoreBOM?: boolean }
) => { readonly decode: (bytes: Uint8Array) => string }

const documents = new TextDecoder("utf-8", { fatal: true })
const values = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const decoded = (decoder: typeof documents, bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The text of a whole document, without one byte order mark at its start; undefined for bytes that are not UTF-8. */
export const documentText = (bytes: Uint8Array): string | undefined => decoded(documents, bytes)

/** The text of one value, every character kept; undefined for bytes that are not UTF-8. */
export const valueText = (bytes: Uint8Array): string | undefined => decoded(values, bytes)
