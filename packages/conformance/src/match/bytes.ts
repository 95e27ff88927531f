/** Texts of bytes that need not be UTF-8: the characters U+DC80 to U+DCFF stand for the bytes 80 to ff that are not part of it. */
import { isUtf8 } from "node:buffer"

const BASE = 0xdc00

/** The first bytes of a body in which bytes that are not UTF-8 are distinguished; later ones become U+FFFD. */
const MAX_DISTINGUISHED = 65_536

/** The bytes of a text. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => {
  const parts = text.split(/([\udc80-\udcff])/u)
  const bytes = parts.map((part, index) =>
    index % 2 === 1 ? Buffer.from([part.charCodeAt(0) - BASE]) : Buffer.from(part)
  )
  return new Uint8Array(Buffer.concat(bytes))
}

/** The text of bytes. */
export const textOf = (bytes: Buffer): string => {
  if (isUtf8(bytes)) return bytes.toString("utf8")
  const end = Math.min(bytes.length, MAX_DISTINGUISHED)
  let text = ""
  let at = 0
  while (at < end) {
    const from = at
    const length = [1, 2, 3, 4].find((size) => isUtf8(bytes.subarray(from, from + size)))
    text +=
      length === undefined ? String.fromCharCode(BASE + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length)
    at += length ?? 1
  }
  return text + bytes.toString("utf8", at)
}
