/** The names of an answer's fields, in the order in which it has them. */
import type { Fields } from "./Apps.ts"

export const keys = (fields: Fields): ReadonlyArray<string> => Object.keys(fields)
