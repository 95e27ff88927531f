/** Texts of a client in a message about them: a request may hold thousands, each of any length. */

/** Maximum number of names in one message, and of characters in each. */
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
