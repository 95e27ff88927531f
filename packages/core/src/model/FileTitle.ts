/** File titles: names given by clients, made safe to display, to store and to save under. */
import { exceeds } from "./Utf8.ts"

/** Maximum number of bytes of a title as UTF-8: the limit of file systems for a name. */
export const MAX_TITLE_BYTES = 255

/**
 * Maximum number of bytes of an extension that is preserved when a title is cut; a longer one is not treated as an
 * extension.
 */
const MAX_EXTENSION = 32

/**
 * Control characters, unpaired surrogates, line separators, and controls that change the display order. Everything else
 * is spelling: joiners (U+200C, U+200D), variation selectors and tags belong to words and emoji.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** Splits a text into user-perceived characters. */
const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" })

const bytesIn = (text: string): number => {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return bytes
}

/**
 * Returns the beginning of the text, at most `limit` bytes, cut between graphemes; a single longer grapheme is cut
 * between code points.
 */
const cut = (text: string, limit: number): string => {
  let kept = ""
  let room = limit
  for (const { segment } of graphemes.segment(text)) {
    const size = bytesIn(segment)
    if (size > room) {
      if (kept !== "") return kept
      for (const character of segment) {
        room -= bytesIn(character)
        if (room < 0) return kept
        kept += character
      }
      return kept
    }
    room -= size
    kept += segment
  }
  return kept
}

/** Returns the last `.` and the text after it, or "" if that is not an extension. */
const extensionOf = (title: string): string => {
  const at = title.lastIndexOf(".")
  const extension = at > 0 ? title.slice(at) : ""
  return extension.length > 1 && !exceeds(extension, MAX_EXTENSION) ? extension : ""
}

/**
 * Returns a safe title from the last part of a file name: never a path, never empty, at most 255 bytes of UTF-8. A
 * longer one is cut before the extension.
 */
export const fileTitle = (name: string): string => {
  const last = name.split(/[/\\]/).at(-1) ?? ""
  const clean = last.replaceAll(UNSAFE, "").trim()
  const title = exceeds(clean, MAX_TITLE_BYTES) ? shortened(clean) : clean
  return title === "" || /^\.+$/.test(title) ? "file" : title
}

const shortened = (title: string): string => {
  const extension = extensionOf(title)
  return `${cut(title.slice(0, title.length - extension.length), MAX_TITLE_BYTES - bytesIn(extension)).trimEnd()}${extension}`
}
