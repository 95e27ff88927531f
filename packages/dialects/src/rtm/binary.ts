/** Bytes as texts of one character for each byte: the core queues and delivers texts. */

/** Maximum number of arguments of one call. */
const MAX_ARGUMENTS = 8192

/** Returns a text whose characters are these bytes. */
export const toBinaryText = (bytes: Uint8Array): string => {
  if (bytes.length <= MAX_ARGUMENTS) return String.fromCharCode(...bytes)
  let text = ""
  for (let at = 0; at < bytes.length; at += MAX_ARGUMENTS) {
    text += String.fromCharCode(...bytes.subarray(at, at + MAX_ARGUMENTS))
  }
  return text
}

/** Returns the bytes of such a text from position `start` on. */
export const fromBinaryText = (text: string, start = 0): Uint8Array => {
  const bytes = new Uint8Array(text.length - start)
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(start + at)
  return bytes
}
