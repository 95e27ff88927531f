/**
 * Limits of client JSON beyond its size. A megabyte of short keys, empty arrays or brackets blocks the event loop in
 * JSON.parse for up to 100 ms. Values and levels are counted first, which takes about 1 ms per megabyte.
 *
 * A worker thread would not help: copying the result takes the main thread as long as parsing.
 */

/** Cost of a string in values: the parser interns each short one. */
export const STRING_COST = 4
/** Cost of a key in values, in addition to its value: objects with different keys have different hidden classes. */
export const KEY_COST = 7

export interface JsonLimits {
  /** Maximum number of values at all levels, including objects and arrays; strings and keys count as above. */
  readonly values: number
  /** Maximum nesting of objects and arrays. */
  readonly levels: number
}

/**
 * Enough for each documented request under the default limits: 100,000 acknowledged ids, 10,003 keys of spark's
 * `session/Edit`, 1,000 requests with one message each in a xuanxuan frame, 100 levels of settings of a xuanxuan client.
 */
export const JSON_LIMITS: JsonLimits = { values: 131_072, levels: 128 }

/** Returns limits for requests that name up to `users` accounts; a higher operator setting needs more values. */
export const limitsForUsers = (users: number): JsonLimits => ({
  ...JSON_LIMITS,
  values: Math.max(JSON_LIMITS.values, JSON_LIMITS.values / 8 + STRING_COST * users)
})

/** Maximum length of JSON that is parsed without counting, in characters; parsing that much is fast. */
const MAX_UNCOUNTED_LENGTH = 16 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPENING_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** Returns whether the array or object that opens before `from` is empty. */
const isEmpty = (text: string, from: number): boolean => {
  let at = from
  let code = text.charCodeAt(at)
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at)
  return code === CLOSING_BRACKET || code === CLOSING_BRACE
}

/** Returns the index of the closing quote. */
const stringEnd = (text: string, from: number): number => {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === BACKSLASH) at++
  }
  return at
}

/**
 * Counts values and levels, and stops once one of them exceeds its limit. Exact for valid JSON only.
 */
export const countJson = (text: string, limits: JsonLimits): JsonLimits => {
  let values = 1
  let level = 0
  let levels = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      values += STRING_COST - 1
      if (values > limits.values) break
      at = stringEnd(text, at + 1)
    } else if (code === COMMA) {
      if (++values > limits.values) break
    } else if (code === COLON) {
      // Replaces the cost of a string, which was added for the key.
      values += KEY_COST - (STRING_COST - 1)
      if (values > limits.values) break
    } else if (code === OPENING_BRACE || code === OPENING_BRACKET) {
      if (++level > levels) levels = level
      if (!isEmpty(text, at + 1)) values++
      if (level > limits.levels || values > limits.values) break
    } else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) level--
  }
  return { values, levels }
}

/** Returns whether a text is large enough to be counted; its values should then be processed in a later turn. */
export const isLarge = (text: string): boolean => text.length > MAX_UNCOUNTED_LENGTH

/** Returns the reason for not parsing a text, which completes "the frame …" or "the body …"; undefined within the limits. */
export const jsonProblem = (text: string, limits: JsonLimits = JSON_LIMITS): string | undefined => {
  if (!isLarge(text)) return undefined
  const { values, levels } = countJson(text, limits)
  if (values > limits.values) {
    return `has more than ${limits.values} values, where a string counts as ${STRING_COST} and a key as ${KEY_COST}`
  }
  return levels > limits.levels ? `has more than ${limits.levels} levels` : undefined
}

/** Limits of JSON in a message's content, which is parsed again each time a message is listed. Clients write a few fields. */
const CONTENT_LIMITS: JsonLimits = { values: 1000, levels: 32 }

/** Parses the content of a message; undefined if it is not a JSON object or is over the limits. */
export const parseContent = (content: string): Readonly<Record<string, unknown>> | undefined => {
  if (!content.startsWith("{")) return undefined
  const { values, levels } = countJson(content, CONTENT_LIMITS)
  if (values > CONTENT_LIMITS.values || levels > CONTENT_LIMITS.levels) return undefined
  try {
    return JSON.parse(content) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}
