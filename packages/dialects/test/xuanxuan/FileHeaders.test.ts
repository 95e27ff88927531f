/** File names and byte ranges: RFC 6266, RFC 8187, RFC 9110. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { FileId } from "@parley/core/Ids"
import { fileTitle } from "@parley/core/FileTitle"
import { contentDisposition } from "../../src/_http/contentDisposition.ts"
import { byteRange, entityTag, precondition } from "../../src/xuanxuan/fileHeaders.ts"

const anyText = fc.string({ unit: "binary", maxLength: 400 })

describe("a disposition", () => {
  it("is an attachment, with the name in ASCII and in full", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"],
      ["a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"],
      ["报.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%E6%8A%A5.txt"],
      ['a"b\\c', "attachment; filename=\"a_b_c\"; filename*=UTF-8''a%22b%5Cc"],
      ["(a)'*;%", "attachment; filename=\"(a)'*;%\"; filename*=UTF-8''%28a%29%27%2A%3B%25"]
    ]
    for (const [title, header] of table) assert.strictEqual(contentDisposition(title), header)
  })

  it("of any title is one header line that can be parsed back", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const title = fileTitle(name)
        const header = contentDisposition(title)
        assert.match(header, /^attachment; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*"; filename\*=UTF-8''[\w.!~%-]*$/)
        assert.strictEqual(decodeURIComponent(header.slice(header.indexOf("UTF-8''") + 7)), title)
      })
    )
  })
})

describe("a range", () => {
  it("is one range of bytes within the file", () => {
    const table: ReadonlyArray<readonly [string | undefined, number, ReturnType<typeof byteRange>]> = [
      [undefined, 10, undefined],
      ["", 10, undefined],
      ["bytes=0-0", 10, { start: 0, end: 0 }],
      ["bytes=0-9", 10, { start: 0, end: 9 }],
      ["bytes=3-5", 10, { start: 3, end: 5 }],
      ["bytes=3-", 10, { start: 3, end: 9 }],
      ["bytes=3-99", 10, { start: 3, end: 9 }],
      ["bytes=-3", 10, { start: 7, end: 9 }],
      ["bytes=-99", 10, { start: 0, end: 9 }],
      ["bytes=9-", 10, { start: 9, end: 9 }],
      ["bytes=10-", 10, "unsatisfiable"],
      ["bytes=10-20", 10, "unsatisfiable"],
      ["bytes=-0", 10, "unsatisfiable"],
      ["bytes=0-", 0, "unsatisfiable"],
      ["bytes=-5", 0, undefined],
      ["Bytes=0-1", 10, { start: 0, end: 1 }],
      ["bytes= ,0-1 ,", 10, { start: 0, end: 1 }],
      [`bytes=${"9".repeat(400)}-`, 10, "unsatisfiable"],
      [`bytes=0-${"9".repeat(400)}`, 10, { start: 0, end: 9 }],
      [`bytes=-${"9".repeat(400)}`, 10, { start: 0, end: 9 }],
      ["bytes=5-3", 10, undefined],
      ["bytes=-", 10, undefined],
      ["bytes=0-1,3-4", 10, undefined],
      ["bytes=a-b", 10, undefined],
      ["bytes=-1-2", 10, undefined],
      ["bytes 0-1", 10, undefined],
      ["items=0-1", 10, undefined]
    ]
    for (const [header, size, range] of table) assert.deepStrictEqual(byteRange(header, size), range, header)
  })

  it("applies only if the file matches the preconditions", () => {
    const none = { ifMatch: undefined, ifNoneMatch: undefined, ifRange: undefined }
    const tag = entityTag({ id: FileId(7), at: 1000, size: 36 })
    assert.strictEqual(tag, '"7-rs-10"')
    assert.deepStrictEqual(precondition(none, tag), { status: 200, range: true })
    assert.deepStrictEqual(precondition({ ...none, ifNoneMatch: "garbage" }, tag), { status: 200, range: true })
    assert.deepStrictEqual(precondition({ ...none, ifMatch: "garbage" }, tag), { status: 412 })
    // If-Match precedes If-None-Match, which precedes If-Range.
    assert.deepStrictEqual(precondition({ ifMatch: '"x"', ifNoneMatch: tag, ifRange: tag }, tag), { status: 412 })
    assert.deepStrictEqual(precondition({ ifMatch: tag, ifNoneMatch: tag, ifRange: '"x"' }, tag), { status: 304 })
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (ifMatch, ifNoneMatch, ifRange) => {
        const found = precondition({ ifMatch, ifNoneMatch, ifRange }, tag)
        assert.include([200, 304, 412], found.status)
        if (found.status === 200) assert.strictEqual(found.range, ifRange.trim() === tag)
      })
    )
  })

  it("lies within the file, for any header", () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(30), fc.nat(30)).map(([from, to]) => `bytes=${from}-${to}`)
    )
    fc.assert(
      fc.property(header, fc.nat(20), (text, size) => {
        const range = byteRange(text, size)
        if (typeof range !== "object") return
        assert.isTrue(range.start >= 0 && range.start <= range.end && range.end < size)
      })
    )
  })
})
