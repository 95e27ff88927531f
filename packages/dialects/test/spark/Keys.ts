/** Returns the names of a response's fields, in order. */
import type { Fields } from "./Apps.ts"

export const keys = (fields: Fields): ReadonlyArray<string> => Object.keys(fields)
