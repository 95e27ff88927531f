/** Strict UTF-8 decoding: invalid bytes are refused, never stored as replacement characters. */

/** Available in every runtime; this package's types depend on no runtime. */
declare const TextDecoder: new (
  encoding: "utf-8",
  options: { readonly fatal: true; readonly ignoreBOM?: boolean }
) => { readonly decode: (bytes: Uint8Array) => string }

const documentDecoder = new TextDecoder("utf-8", { fatal: true })
const valueDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const decode = (decoder: typeof documentDecoder, bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Decodes a document and removes a leading byte order mark; undefined for bytes that are not UTF-8. */
export const documentText = (bytes: Uint8Array): string | undefined => decode(documentDecoder, bytes)

/** Decodes one value and keeps every character; undefined for bytes that are not UTF-8. */
export const valueText = (bytes: Uint8Array): string | undefined => decode(valueDecoder, bytes)
