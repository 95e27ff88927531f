/** Matchers without an argument. */
import type { Json } from "../Json.ts"

const seconds = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 1e11

export const kinds: { readonly [name: string]: (value: Json | undefined) => boolean } = {
  $int: (value) => Number.isSafeInteger(value),
  $str: (value) => typeof value === "string",
  $filled: (value) => typeof value === "string" && value !== "",
  $bool: (value) => typeof value === "boolean",
  $ts: seconds,
  $recent: (value) => seconds(value) && Math.abs(value - Date.now() / 1000) < 86_400,
  $any: (value) => value !== undefined,
  $absent: (value) => value === undefined
}

/** Their names. */
export const simpleMatchers: ReadonlyArray<string> = Object.keys(kinds)
