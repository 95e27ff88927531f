/** Texts of a client's in an answer to it: a request may hold thousands, and each of any length. */

/** Names in one message, at most, and characters of each. */
const NAMES = 50
const NAME = 64

/** The beginning of a text, without half a character at its end. */
export const shortened = (text: string, characters: number): string =>
  text.length <= characters
    ? text
    : Array.from(text.slice(0, 2 * characters))
        .slice(0, characters)
        .join("")

/** Names as one message shows them. */
export const listed = (names: ReadonlyArray<string>): string => {
  const shown = names
    .slice(0, NAMES)
    .map((name) => shortened(name, NAME))
    .join(", ")
  return names.length > NAMES ? `${shown} and ${names.length - NAMES} more` : shown
}
