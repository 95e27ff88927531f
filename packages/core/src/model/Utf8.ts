/** Returns the size of the text in bytes as UTF-8. */
const lengthOf = (text: string): number => {
  let bytes = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    // A lone surrogate counts as three bytes; a pair has four.
    if (unit < 0x80) bytes++
    else if (unit < 0x800) bytes += 2
    else {
      bytes += 3
      if (unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(at + 1))) {
        bytes++
        at++
      }
    }
  }
  return bytes
}

const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** Encodes text as UTF-8; the core has no runtime's encoder available. */
export const textBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(lengthOf(text))
  let end = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0
    if (code < 0x80) bytes[end++] = code
    else if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6)
      bytes[end++] = 0x80 | (code & 0x3f)
    } else if (code < 0x10000) {
      // A lone surrogate is encoded as U+FFFD, as by TextEncoder.
      const safe = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code
      bytes[end++] = 0xe0 | (safe >> 12)
      bytes[end++] = 0x80 | ((safe >> 6) & 0x3f)
      bytes[end++] = 0x80 | (safe & 0x3f)
    } else {
      at++
      bytes[end++] = 0xf0 | (code >> 18)
      bytes[end++] = 0x80 | ((code >> 12) & 0x3f)
      bytes[end++] = 0x80 | ((code >> 6) & 0x3f)
      bytes[end++] = 0x80 | (code & 0x3f)
    }
  }
  return bytes
}

/** Returns whether the text has more than `limit` bytes as UTF-8. */
export const exceeds = (text: string, limit: number): boolean => {
  if (text.length * 3 <= limit) return false
  if (text.length > limit) return true
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (bytes > limit) return true
  }
  return false
}

/**
 * Returns whether every text in the JSON value, including keys, is well-formed: JSON can escape half a surrogate pair.
 */
export const isWellFormedJson = (json: unknown): boolean => {
  if (typeof json === "string") return json.isWellFormed()
  if (typeof json !== "object" || json === null) return true
  // Without recursion, for any depth. Only what has something in it is put off: there may be a hundred thousand texts.
  const left: Array<object> = [json]
  const isGood = (value: unknown): boolean => {
    if (typeof value === "string") return value.isWellFormed()
    if (typeof value === "object" && value !== null) left.push(value)
    return true
  }
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (Array.isArray(value)) {
      for (const item of value) if (!isGood(item)) return false
    } else {
      const fields = value as Readonly<Record<string, unknown>>
      for (const key of Object.keys(fields)) if (!key.isWellFormed() || !isGood(fields[key])) return false
    }
  }
  return true
}
