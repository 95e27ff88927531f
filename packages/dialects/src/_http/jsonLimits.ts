/**
 * Bounds of JSON from clients beside its size. A megabyte of short keys, empty arrays or brackets takes JSON.parse up to a
 * tenth of a second, in which nothing else runs. Values and levels are counted before, which takes about a
 * millisecond per megabyte.
 *
 * Parsing in a worker thread would not help: the result has to be copied, which takes the main thread as long as parsing.
 */

/** A text costs as much as this many numbers: the parser looks up each short one in a table of all. */
export const TEXT = 4
/** A key costs as much as this many numbers, beside its value: objects with other keys have another hidden class. */
export const KEY = 7

export interface JsonLimits {
  /** Maximum values, objects and arrays among them, at all levels, where texts and keys count as above. */
  readonly values: number
  /** Maximum nesting of objects and arrays. */
  readonly levels: number
}

/**
 * Enough for each documented request with the default limits: 100,000 acknowledged ids, 10,003 keys of `session/Edit` of
 * spark, 1,000 requests with a message each in a frame of xuanxuan, 100 levels of settings that one of its clients keeps.
 */
export const JSON_LIMITS: JsonLimits = { values: 131_072, levels: 128 }

/** The limits where a request may name so many users by text: an operator who allows more needs more values. */
export const namingUsers = (users: number): JsonLimits => ({
  ...JSON_LIMITS,
  values: Math.max(JSON_LIMITS.values, JSON_LIMITS.values / 8 + TEXT * users)
})

/** Maximum characters of JSON that is not counted: nothing of that size takes long. */
const UNCOUNTED = 16 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPENING_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** Whether the array or object that opens before `from` has nothing in it. */
const isEmpty = (text: string, from: number): boolean => {
  let at = from
  let code = text.charCodeAt(at)
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at)
  return code === CLOSING_BRACKET || code === CLOSING_BRACE
}

/** Index of the quote that ends the string. */
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
 * Counts values and levels, and stops where one of them is over its limit. Exact for JSON; for other text the counts mean
 * nothing.
 */
export const countJson = (text: string, limits: JsonLimits): JsonLimits => {
  let values = 1
  let level = 0
  let levels = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      values += TEXT - 1
      if (values > limits.values) break
      at = stringEnd(text, at + 1)
    } else if (code === COMMA) {
      if (++values > limits.values) break
    } else if (code === COLON) {
      // The key itself was counted as a text without a value.
      values += KEY - (TEXT - 1)
      if (values > limits.values) break
    } else if (code === OPENING_BRACE || code === OPENING_BRACKET) {
      if (++level > levels) levels = level
      if (!isEmpty(text, at + 1)) values++
      if (level > limits.levels || values > limits.values) break
    } else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) level--
  }
  return { values, levels }
}

/** Whether a text is large enough to be counted; what is done with its values is then left to another turn. */
export const isLarge = (text: string): boolean => text.length > UNCOUNTED

/** The reason why a text is not parsed, in words that follow "the frame" or "the body"; undefined within the limits. */
export const jsonProblem = (text: string, limits: JsonLimits = JSON_LIMITS): string | undefined => {
  if (!isLarge(text)) return undefined
  const { values, levels } = countJson(text, limits)
  if (values > limits.values) {
    return `has more than ${limits.values} values, where a text counts as ${TEXT} and a key as ${KEY}`
  }
  return levels > limits.levels ? `has more than ${limits.levels} levels` : undefined
}
