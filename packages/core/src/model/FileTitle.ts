/** Titles of files: what a client calls a file, made safe to show, to store and to save under. */
import { exceeds } from "./Utf8.ts"

/** Bytes of UTF-8 of a title, at most: what file systems allow for a name. */
export const MAX_TITLE_BYTES = 255

/** Bytes of an extension that is kept when a title is cut, at most; a longer one is none. */
const MAX_EXTENSION = 32

/**
 * Control characters, halves of surrogate pairs, line separators, and the controls that show text in another order than it
 * has. Everything else is spelling: joiners (U+200C, U+200D), variation selectors and tags make words and emoji what they are.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** Parts of the text that a reader takes for one character. */
const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" })

const bytesIn = (text: string): number => {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return bytes
}

/** The beginning of the text, of at most `limit` bytes, cut between parts; of one part that is longer, between code points. */
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

/** The last `.` and what stands behind it; "" where that is no extension. */
const extensionOf = (title: string): string => {
  const at = title.lastIndexOf(".")
  const extension = at > 0 ? title.slice(at) : ""
  return extension.length > 1 && !exceeds(extension, MAX_EXTENSION) ? extension : ""
}

/**
 * The last part of a file's name, without what is no part of one, never a path and never empty; at most 255 bytes of UTF-8,
 * what is too much being cut before the extension.
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
