/** Titles of files: safe to show and to save under, and spelled as they were. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { fileTitle, MAX_TITLE_BYTES } from "../src/model/FileTitle.ts"

const FAMILY = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}"
const SCOTLAND = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"

const bytes = (text: string): number => Buffer.byteLength(text)

describe("a title", () => {
  it("is the last part of a path, without unsafe characters", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["a.txt", "a.txt"],
      ['a"b.txt', 'a"b.txt'],
      ["../../etc/passwd", "passwd"],
      ["..\\..\\boot.ini", "boot.ini"],
      ["C:\\a\\b c.txt", "b c.txt"],
      ["a/", "file"],
      ["", "file"],
      [" ", "file"],
      [".", "file"],
      ["..", "file"],
      ["...", "file"],
      [".htaccess", ".htaccess"],
      ["a..b", "a..b"],
      ["\u0000a\u0007\u001b[31m\u009b.txt\r\n", "a[31m.txt"],
      ["a\u2028b\u2029c", "abc"],
      ["\ud83dhalf", "half"],
      ["😀.png", "😀.png"],
      ["报告.docx", "报告.docx"],
      ["  a b  ", "a b"],
      ["\u0000", "file"]
    ]
    for (const [name, title] of table) assert.strictEqual(fileTitle(name), title, JSON.stringify(name))
  })

  it("loses bidi controls, and keeps joiners and variation selectors", () => {
    for (const control of "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
      assert.strictEqual(fileTitle(`a${control}txt.exe`), "atxt.exe")
    }
    const spelled = [
      `${FAMILY}.jpg`,
      "نامه\u200cای.txt",
      "क्\u200dष.txt",
      `${SCOTLAND}.png`,
      "❤\ufe0f.png",
      "ភាសា\u200bខ្មែរ.txt"
    ]
    for (const name of spelled) assert.strictEqual(fileTitle(name), name)
  })

  it("that is too long is cut before its extension, between graphemes", () => {
    assert.strictEqual(fileTitle(`${"x".repeat(300)}.tar`), `${"x".repeat(251)}.tar`)
    assert.strictEqual(fileTitle("x".repeat(255)), "x".repeat(255))
    assert.strictEqual(fileTitle(`${"报".repeat(255)}.docx`), `${"报".repeat(83)}.docx`)
    assert.strictEqual(fileTitle(`${FAMILY.repeat(30)}.jpg`), `${FAMILY.repeat(10)}.jpg`)
    assert.strictEqual(fileTitle(`${"e\u0301".repeat(200)}.txt`), `${"e\u0301".repeat(83)}.txt`)
    // A long text after the last dot is not an extension.
    assert.strictEqual(fileTitle(`a.${"x".repeat(300)}`), `a.${"x".repeat(253)}`)
    assert.strictEqual(fileTitle(`.${"x".repeat(300)}`), `.${"x".repeat(254)}`)
    // One character of a thousand marks is cut as well.
    assert.strictEqual(fileTitle(`a${"\u0301".repeat(1000)}`), `a${"\u0301".repeat(127)}`)
  })

  it("is never a path, never empty, bounded, and stable", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (name) => {
        const title = fileTitle(name)
        assert.notMatch(title, /[/\\\p{Cc}\p{Bidi_Control}]|^\.*$/u)
        assert.isAtMost(bytes(title), MAX_TITLE_BYTES)
        assert.isTrue(title.isWellFormed())
        assert.strictEqual(fileTitle(title), title)
      })
    )
  })
})
