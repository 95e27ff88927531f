/** Multipart forms: RFC 7578, with any division into chunks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fc from "fast-check"
import { fieldText, isFile, isMultipart, readParts } from "../src/_http/multipart.ts"

const TYPE = "multipart/form-data; boundary=b"
const LIMITS = { parts: 10, field: 1000, total: 100_000 }

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1")

interface Read {
  readonly name: string
  readonly filename?: string
  readonly content: string
}

/** Returns the parts of a body, or its refusal. */
const read = (
  chunks: ReadonlyArray<Uint8Array>,
  type = TYPE,
  limits = LIMITS
): Promise<ReadonlyArray<Read> | string> => {
  const parts: Array<Read> = []
  return Effect.runPromise(
    readParts(Stream.fromIterable(chunks), type, limits, (part) =>
      isFile(part)
        ? Effect.map(Stream.runCollect(part.content), (content) => {
            const { name, filename = "-" } = part
            parts.push({ name, filename, content: Buffer.concat([...content]).toString("latin1") })
          })
        : Effect.map(fieldText(part, limits.field), (content) => {
            parts.push({ name: part.name, content })
          })
    ).pipe(
      Effect.as<ReadonlyArray<Read> | string>(parts),
      Effect.catch(({ status, problem }) => Effect.succeed(`${status} The body ${problem}.`))
    )
  )
}

const refusalOf = (found: ReadonlyArray<Read> | string): string => (typeof found === "string" ? found : "read")

const part = (disposition: string, content = "x", more = ""): string =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`
const form = (...parts: ReadonlyArray<string>): Uint8Array => bytes(`${parts.join("")}--b--\r\n`)
const utf8 = (text: string): string => Buffer.from(text).toString("latin1")

describe("a multipart form", () => {
  it("is recognized by its content type", () => {
    for (const type of [TYPE, "Multipart/Form-Data;boundary=x", " multipart/form-data"])
      assert.isTrue(isMultipart(type))
    for (const type of [undefined, "", "multipart/mixed", "multipart/form-database"]) assert.isFalse(isMultipart(type))
  })

  it("has file names as in RFC 7578, RFC 6266 and RFC 8187", async () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ['filename="a.txt"', "a.txt"],
      ["filename=a.txt", "a.txt"],
      ['filename="a\\"b.txt"', 'a"b.txt'],
      ['filename="a\\\\b.txt"', "a\\b.txt"],
      ['filename="C:\\dir\\a.txt"', "C:\\dir\\a.txt"],
      ['filename="a;b=c.txt"', "a;b=c.txt"],
      [`filename="${utf8("报告.docx")}"`, "报告.docx"],
      ["filename*=utf-8''%E6%8A%A5.txt", "报.txt"],
      ["filename*=\"UTF-8'en'%e6%8a%a5.txt\"", "报.txt"],
      ["filename*=iso-8859-1''%E9t%E9.txt", "été.txt"],
      ["filename=\"x.txt\"; filename*=utf-8''a%20b.txt", "a b.txt"],
      ['FileName = "a.txt" ;', "a.txt"]
    ]
    for (const [parameter, filename] of table) {
      const found = await read([form(part(`name="files"; ${parameter}`))])
      assert.deepStrictEqual(found, [{ name: "files", filename, content: "x" }], parameter)
    }
  })

  it("is refused with the number of the unreadable part", async () => {
    const good = part('name="gid"', "g")
    const table: ReadonlyArray<readonly [string, string]> = [
      [part('name="files"; filename="\xd6\xd0.txt"'), "part 2 (files) has a filename that is not UTF-8"],
      [part("name=\"files\"; filename*=utf-8''%D6%D0"), "part 2 (files) has a filename* that is not UTF-8"],
      [part("name=\"files\"; filename*=utf-8''%zz"), "part 2 (files) has a filename* that cannot be read"],
      [part("name=\"files\"; filename*=gbk''%D6%D0"), "part 2 (files) has a filename* that cannot be read"],
      [part('name="\xff"'), "part 2 has a name that is not UTF-8"],
      [part('name="a"; name="b"'), "part 2 gives name twice"],
      [part('filename="a"'), "part 2 has no name"],
      [part('name="a'), "part 2 has a Content-Disposition that cannot be read"],
      [part('name="a"', "x", "broken\r\n"), "part 2 has a header line without a name"],
      ["--b\r\n\r\nx\r\n", "part 2 has no Content-Disposition of form-data"],
      [part('name="text"', "\xd6\xd0"), "part 2 (text) is not UTF-8"]
    ]
    for (const [bad, problem] of table) {
      const found = await read([form(good, bad, good)])
      assert.strictEqual(found, `400 The body is a form whose ${problem}.`)
    }
  })

  it("that is malformed or over a limit is refused", async () => {
    const one = part('name="a"')
    assert.match(refusalOf(await read([form(one)], "multipart/form-data")), /^400 .*no boundary/)
    assert.match(
      refusalOf(await read([form(one)], "multipart/form-data; boundary=c")),
      /^400 .*ends before its last boundary/
    )
    assert.match(refusalOf(await read([bytes(one)])), /^400 .*ends before its last boundary/)
    assert.match(
      refusalOf(await read([bytes("--b\r\nContent-Disp\r\n--b--")])),
      /^400 .*part 1 that ends within its headers/
    )
    assert.match(refusalOf(await read([form(part(`name="${"x".repeat(20_000)}"`))])), /^400 .*headers are too large/)
    assert.match(refusalOf(await read([form(...Array.from({ length: 11 }, () => one))])), /^413 .*more than 10 parts/)
    assert.match(
      refusalOf(await read([form(part('name="a"', "x".repeat(1001)))])),
      /^413 .*part 1 \(a\) has more than 1000 bytes/
    )
    assert.match(refusalOf(await read([form(part('name="a"; filename="b"', "x".repeat(200_000)))])), /^413 .*too large/)
    assert.deepStrictEqual(await read([bytes("--b--")]), [])
  })

  it("skips file inputs without a chosen file", async () => {
    const empty = part('name="files"; filename=""', "", "Content-Type: application/octet-stream\r\n")
    const named = part('name="files"; filename="empty.txt"', "")
    const unnamed = part('name="files"; filename=""', "x")
    assert.deepStrictEqual(await read([form(empty, named, unnamed)]), [
      { name: "files", filename: "empty.txt", content: "" },
      { name: "files", filename: "", content: "x" }
    ])
  })

  it("is read the same with any division into chunks", async () => {
    const body = bytes(
      `preamble\r\n${part('name="gid"', "g\r\n--not")}${part('name="files"; filename="a\\"b"', "\r\n--\r\n\r\n-")}--b--\r\nepilogue`
    )
    const unsplit = await read([body])
    assert.deepStrictEqual(unsplit, [
      { name: "gid", content: "g\r\n--not" },
      { name: "files", filename: 'a"b', content: "\r\n--\r\n\r\n-" }
    ])
    assert.deepStrictEqual(await read(Array.from(body, (byte) => Uint8Array.of(byte))), unsplit)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(body.length), { maxLength: 8 }), async (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), body.length]
        const chunks = at.slice(1).map((to, index) => body.subarray(at[index], to))
        assert.deepStrictEqual(await read(chunks), unsplit)
      })
    )
  })

  it("of any bytes is refused, or read with unchanged content", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (any) => {
        const found = await read([any])
        assert.isTrue(typeof found === "string" || found.length === 0)
      })
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (any) => {
        const content = Buffer.from(any).toString("latin1")
        fc.pre(!`\r\n${content}\r\n--b`.slice(0, -3).includes("\r\n--b"))
        const found = await read([form(part('name="f"; filename="f"', content))])
        assert.deepStrictEqual(found, [{ name: "f", filename: "f", content }])
      })
    )
  })
})
