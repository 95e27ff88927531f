/** Bytes as texts of one character for each byte: the core queues and delivers texts. */

/** Number of bytes that are converted in one call; with more of them the call is slower for each. */
const STEP = 256

/** Calls `String.fromCharCode` with each byte as an argument: spreading an array of bytes is ten times as slow. */
const fromCodes = (bytes: Uint8Array): string => String.fromCharCode.apply(undefined, bytes as unknown as Array<number>)

/** Returns a text whose characters are these bytes. */
export const toBinaryText = (bytes: Uint8Array): string => {
  if (bytes.length <= STEP) return fromCodes(bytes)
  let text = ""
  for (let at = 0; at < bytes.length; at += STEP) text += fromCodes(bytes.subarray(at, at + STEP))
  return text
}

/** Returns the bytes of such a text from position `start` on. */
export const fromBinaryText = (text: string, start = 0): Uint8Array => {
  const bytes = new Uint8Array(text.length - start)
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(start + at)
  return bytes
}
