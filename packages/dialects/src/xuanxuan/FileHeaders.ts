/** File names and byte ranges as HTTP has them: RFC 6266, RFC 8187, RFC 9110. */

/** Always an attachment: a browser never shows what somebody has uploaded. */
export const contentDisposition = (title: string): string => {
  const ascii = title.replaceAll(/[^\x20-\x7e]/g, "_").replaceAll(/["\\]/g, "_")
  const encoded = encodeURIComponent(title).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

export interface ByteRange {
  /** Both included. */
  readonly start: number
  readonly end: number
}

/** One range of bytes; nothing for a header that is absent, of another unit, or asks for several: then all is sent. */
export const byteRange = (header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "")
  if (match === null) return undefined
  const [, from = "", to = ""] = match
  if (from === "" && to === "") return undefined
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1)
  if (to !== "" && from !== "" && Number(to) < Number(from)) return undefined
  return start > end || start >= size ? "unsatisfiable" : { start, end }
}
