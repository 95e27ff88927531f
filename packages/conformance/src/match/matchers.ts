/** Matchers without an argument. */
import { isArray, isObject, type Json } from "../Json.ts"

const seconds = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 1e11

const secret = /^(pass(word|wd|code)?|pwd|salt|secret|token|sid|session_?id|[a-z_]*hash)$/i

/** Whether a value has a field that is named like a secret and is not empty, at any depth. */
const hasSecret = (value: Json): boolean => {
  if (isArray(value)) return value.some(hasSecret)
  if (!isObject(value)) return false
  return Object.entries(value).some(
    ([name, item]) =>
      (secret.test(name) && !["SessionId", "sessionId"].includes(name) && item !== "" && item !== null) ||
      hasSecret(item)
  )
}

export const kinds: { readonly [name: string]: (value: Json | undefined) => boolean } = {
  $int: (value) => Number.isSafeInteger(value),
  $str: (value) => typeof value === "string",
  $filled: (value) => typeof value === "string" && value !== "",
  $bool: (value) => typeof value === "boolean",
  $ts: seconds,
  $recent: (value) => seconds(value) && Math.abs(value - Date.now() / 1000) < 86_400,
  $clock: (value) =>
    (typeof value === "number" || (typeof value === "string" && value.trim() !== "")) &&
    Math.abs(Number(value) - Date.now() / 1000) < 600,
  $any: (value) => value !== undefined,
  $absent: (value) => value === undefined,
  $harmless: (value) => value !== undefined && !hasSecret(value)
}

/** Their names. */
export const simpleMatchers: ReadonlyArray<string> = Object.keys(kinds)
