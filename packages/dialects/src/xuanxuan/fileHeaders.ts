/** HTTP byte ranges and validators: RFC 9110. */
import type { StoredFile } from "@parley/core/Store"

export interface ByteRange {
  /** Both inclusive. */
  readonly start: number
  readonly end: number
}

/** One `range-spec` of RFC 9110, 14.1.1. */
const RANGES = /^bytes=[ \t,]*(\d*)-(\d*)[ \t]*,*[ \t]*$/i

/**
 * Parses one range of bytes. Undefined if the header is absent, malformed, has another unit, or asks for several ranges; the
 * complete file is sent then, as RFC 9110, 14.2, allows.
 */
export const byteRange = (header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined => {
  const match = RANGES.exec(header ?? "")
  if (match === null) return undefined
  const [, from = "", to = ""] = match
  if (from === "" && to === "") return undefined
  if (from === "") {
    if (Number(to) === 0) return "unsatisfiable"
    // A suffix of an empty file is the complete file.
    return size === 0 ? undefined : { start: Math.max(0, size - Number(to)), end: size - 1 }
  }
  if (to !== "" && Number(to) < Number(from)) return undefined
  const start = Number(from)
  const end = to === "" ? size - 1 : Math.min(Number(to), size - 1)
  return start >= size ? "unsatisfiable" : { start, end }
}

/** Returns a strong validator; the content of a stored file never changes. */
export const entityTag = ({ id, at, size }: Pick<StoredFile, "id" | "at" | "size">): string =>
  `"${id.toString(36)}-${at.toString(36)}-${size.toString(36)}"`

/** Parses a list of tags; undefined for `*`. */
const tagsIn = (list: string): ReadonlyArray<{ readonly tag: string; readonly weak: boolean }> | undefined =>
  list.trim() === "*"
    ? undefined
    : Array.from(list.matchAll(/(W\/)?("[^"]*")/g), ([, weak, tag = ""]) => ({ tag, weak: weak !== undefined }))

export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifRange: string | undefined
}

/**
 * Evaluates preconditions for a file with this tag; `range`: whether `Range` applies. A date in `If-Range` never matches,
 * since files have no `Last-Modified`. Source: RFC 9110, 13.2.2.
 */
export const precondition = (
  { ifMatch, ifNoneMatch, ifRange }: Conditions,
  tag: string
): { readonly status: 200; readonly range: boolean } | { readonly status: 304 } | { readonly status: 412 } => {
  const strongly = (list: string): boolean => tagsIn(list)?.some((one) => !one.weak && one.tag === tag) ?? true
  const weakly = (list: string): boolean => tagsIn(list)?.some((one) => one.tag === tag) ?? true
  if (ifMatch !== undefined && !strongly(ifMatch)) return { status: 412 }
  if (ifNoneMatch !== undefined && weakly(ifNoneMatch)) return { status: 304 }
  return { status: 200, range: ifRange === undefined || ifRange.trim() === tag }
}
