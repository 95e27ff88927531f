/** Client texts quoted in error messages, shortened: a request may hold thousands, each of any length. */

/** Maximum number of names in one message, and of characters in each. */
const MAX_NAMES = 50
const MAX_NAME = 64

/** Returns the beginning of a text, without half a character at its end. */
export const shortened = (text: string, characters: number): string =>
  text.length <= characters
    ? text
    : Array.from(text.slice(0, 2 * characters))
        .slice(0, characters)
        .join("")

/** Joins names for an error message. */
export const listed = (names: ReadonlyArray<string>): string => {
  const shown = names
    .slice(0, MAX_NAMES)
    .map((name) => shortened(name, MAX_NAME))
    .join(", ")
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown
}
