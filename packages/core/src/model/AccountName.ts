/**
 * Account names by the PRECIS profile UsernameCasePreserved: one spelling for texts that look alike, and no invisible
 * or reordering characters. Source: RFC 8265, 3.4; RFC 8264, 4.2 and 9; RFC 5893, 2; RFC 5892, A.3–A.9.
 *
 * Stricter than the profile in two points: the joiners U+200C and U+200D are refused everywhere, since they are
 * invisible in most places, and so is a name that begins with a combining mark.
 */

/** RFC 8264, 9.6: exceptions that are valid, and exceptions that are not. */
const VALID = /^[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007]$/u
const REFUSED = /^(?:\u0640|\u07fa|[\u302e-\u302f]|[\u3031-\u3035]|\u303b)$/u
/** RFC 8264, 9.9: conjoining jamo of old Hangul. */
const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/u
const IGNORABLE = /^[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Cc}\p{Cn}]$/u
const LETTER_OR_DIGIT = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u
/** Maximum number of UTF-16 units of a text that is checked; no account is longer. */
const MAX_LENGTH = 1024

const ASCII = /^[\x21-\x7e]*$/

/** RFC 5892, A.3–A.9: characters that are valid in a context, each with a pattern for the whole name. */
const IN_CONTEXT: ReadonlyArray<readonly [character: RegExp, context: RegExp]> = [
  // Middle dot: between two l, as in Catalan.
  [/\u00b7/, /^(?:[^\u00b7]|(?<=l)\u00b7(?=l))*$/u],
  // Greek numeral sign: before a Greek character.
  [/\u0375/, /^(?:[^\u0375]|\u0375(?=\p{Script=Greek}))*$/u],
  // Hebrew geresh and gershayim: after a Hebrew character.
  [/[\u05f3\u05f4]/, /^(?:[^\u05f3\u05f4]|(?<=\p{Script=Hebrew})[\u05f3\u05f4])*$/u],
  // Katakana middle dot: beside Japanese.
  [/\u30fb/, /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u],
  // Arabic-Indic digits and their extended forms: never both.
  [/[\u0660-\u0669]/, /^[^\u06f0-\u06f9]*$/u],
  [/[\u06f0-\u06f9]/, /^[^\u0660-\u0669]*$/u]
]
const CONTEXTUAL = /^[\u00b7\u0375\u05f3\u05f4\u30fb\u0660-\u0669\u06f0-\u06f9]$/u

/** RFC 8264, 8: whether the IdentifierClass has the character, whatever its position. */
const isIdentifierCharacter = (character: string): boolean => {
  if (VALID.test(character) || CONTEXTUAL.test(character)) return true
  if (REFUSED.test(character)) return false
  if (ASCII.test(character)) return true
  if (OLD_HANGUL_JAMO.test(character) || IGNORABLE.test(character)) return false
  return character.normalize("NFKC") === character && LETTER_OR_DIGIT.test(character)
}

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT =
  /[\p{Script=Adlam}\p{Script=Arabic}\p{Script=Avestan}\p{Script=Chorasmian}\p{Script=Cypriot}\p{Script=Elymaic}\p{Script=Hanifi_Rohingya}\p{Script=Hatran}\p{Script=Hebrew}\p{Script=Imperial_Aramaic}\p{Script=Inscriptional_Pahlavi}\p{Script=Inscriptional_Parthian}\p{Script=Kharoshthi}\p{Script=Lydian}\p{Script=Mandaic}\p{Script=Manichaean}\p{Script=Mende_Kikakui}\p{Script=Meroitic_Cursive}\p{Script=Meroitic_Hieroglyphs}\p{Script=Nabataean}\p{Script=Nko}\p{Script=Old_Hungarian}\p{Script=Old_North_Arabian}\p{Script=Old_Sogdian}\p{Script=Old_South_Arabian}\p{Script=Old_Turkic}\p{Script=Old_Uyghur}\p{Script=Palmyrene}\p{Script=Phoenician}\p{Script=Psalter_Pahlavi}\p{Script=Samaritan}\p{Script=Sogdian}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Yezidi}]/u

type Direction = "R" | "L" | "AN" | "EN" | "NSM" | "neutral"

/** Returns the Bidi_Class of an identifier character, as far as the Bidi rule distinguishes classes. */
const directionOf = (character: string): Direction => {
  if (/^\p{Mn}$/u.test(character)) return "NSM"
  if (/^[\u0660-\u0669\u{10d30}-\u{10d39}]$/u.test(character)) return "AN"
  if (/^[0-9\u06f0-\u06f9]$/u.test(character)) return "EN"
  if (RIGHT_TO_LEFT.test(character)) return "R"
  return /^[\x21-\x7e\u00b7\u0375\u30fb]$/u.test(character) && !/^[A-Za-z]$/.test(character) ? "neutral" : "L"
}

/** RFC 5893, 2: a name with right-to-left characters has the same order everywhere. */
const keepsBidiRule = (name: string): boolean => {
  const directions = Array.from(name, directionOf)
  if (!directions.includes("R") && !directions.includes("AN")) return true
  const last = directions.findLast((direction) => direction !== "NSM")
  // A name that begins from left to right must not have the characters that make it mixed.
  if (directions[0] !== "R") return false
  if (directions.includes("L") || (directions.includes("AN") && directions.includes("EN"))) return false
  return last === "R" || last === "AN" || last === "EN"
}

/** Full-width and half-width forms as the usual characters. */
const mapWidth = (text: string): string => text.replaceAll(/[\u3000\uff01-\uffee]/gu, (wide) => wide.normalize("NFKC"))

/** Returns the form in which a name is stored and compared, or undefined for an invalid account name. */
export const enforceAccountName = (text: string): string | undefined => {
  if (text === "" || text.length > MAX_LENGTH) return undefined
  if (ASCII.test(text)) return text
  const name = mapWidth(text).normalize("NFC")
  if (!Array.from(name).every(isIdentifierCharacter)) return undefined
  if (IN_CONTEXT.some(([character, context]) => character.test(name) && !context.test(name))) return undefined
  // A leading mark would combine with the text before the name.
  return /^\p{M}/u.test(name) || !keepsBidiRule(name) ? undefined : name
}

/** Returns the forms under which the account that a text names may be stored, the text itself first. */
export const accountForms = (text: string): ReadonlyArray<string> => {
  const name = enforceAccountName(text)
  // Accounts stored before this rule may be decomposed.
  const forms = name === undefined ? [text] : [text, name, name.normalize("NFD")]
  return [...new Set(forms)]
}
