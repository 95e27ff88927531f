/** Encoding for the 1.0 client: ASCII and content. Source: PROTOCOLS, "Two wire profiles". */
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { asciiJson } from "../../src/xuanxuan/ascii.ts"
import { contentOf10 } from "../../src/xuanxuan/client10.ts"

const message = (contentType: string, content: string, recalled = false): Message => ({
  id: EntryId(70),
  gid: "m",
  chat: ChatId(1),
  seq: 2,
  number: 1,
  sender: UserId(1),
  type: "normal",
  date: 0,
  contentType,
  content,
  recalled,
  revision: EntryId(70)
})

describe("ASCII JSON", () => {
  it("has the same value, and no character beyond ASCII", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const json = JSON.stringify(value)
        const ascii = asciiJson(json)
        assert.deepStrictEqual(JSON.parse(ascii), JSON.parse(json))
        assert.match(ascii, /^[\0-\x7f]*$/)
      })
    )
  })

  it("escapes each UTF-16 unit, and returns ASCII unchanged", () => {
    assert.strictEqual(asciiJson('["é字😀","\u007f~"]'), '["\\u00e9\\u5b57\\ud83d\\ude00","\u007f~"]')
    const ascii = JSON.stringify({ a: ["b", 1] })
    assert.strictEqual(asciiJson(ascii), ascii)
  })
})

describe("content for the 1.0 client", () => {
  const complete = '{"name":"a.png","size":3,"send":true,"type":"image/png","id":5}'
  const link = "http://files.example/a/b.png?x=1#y"

  it("is text for a recalled message of any type", () => {
    for (const type of ["text", "image", "file", "emoticon", "emotion", "video", "location"]) {
      assert.deepStrictEqual(contentOf10(message(type, "", true)), { contentType: "text", content: "" })
    }
  })

  it("is unchanged where the client has all that it reads", () => {
    for (const [type, content] of [
      ["text", "hello"],
      ["image", complete],
      ["image", '{"name":"a.png","size":3,"send":0,"type":"image/png"}'],
      ["image", '{"name":"a.png","size":3,"send":false,"type":"image/png"}'],
      ["image", '{"type":"emoji","content":":smile:"}'],
      ["image", '{"type":"base64","content":"data:,"}'],
      ["file", complete],
      ["emotion", ":smile:"]
    ] as const) {
      assert.deepStrictEqual(contentOf10(message(type, content)), { contentType: type, content })
    }
  })

  it("of an image or a file has name, size, send and id", () => {
    const table: ReadonlyArray<readonly [type: string, content: string, added: Readonly<Record<string, unknown>>]> = [
      ["image", link, { url: link, id: 70, name: "70-b.png", size: 0, send: true }],
      ["file", link, { url: link, kind: "file", id: 70, name: "b.png", size: 0, send: true }],
      ["video", link, { url: link, kind: "video", id: 70, name: "b.png", size: 0, send: true }],
      [
        "image",
        "http://files.example/",
        { url: "http://files.example/", id: 70, name: "70-files.example", size: 0, send: true }
      ],
      ["image", "", { url: "", name: "70-image", size: 0, send: 0 }],
      [
        "file",
        '{"id":5,"title":"计划.txt","size":7}',
        { id: 5, title: "计划.txt", size: 7, name: "计划.txt", send: true }
      ],
      ["image", '{"type":"placeholder"}', { type: "placeholder", name: "70-image", size: 0, send: 0 }],
      // The link of a file of this server.
      [
        "file",
        "http://chat.example/attach-download-5.json",
        {
          url: "http://chat.example/attach-download-5.json",
          kind: "file",
          id: 5,
          name: "attach-download-5.json",
          size: 0,
          send: true
        }
      ]
    ]
    for (const [type, content, fields] of table) {
      assert.deepStrictEqual(JSON.parse(contentOf10(message(type, content)).content), fields, content)
    }
  })

  it("has no path in a name, which the client joins to a folder", () => {
    for (const [name, safe] of [
      ["../../.profile", ".profile"],
      ["a/b.png", "b.png"],
      ["C:\\temp\\b.png", "b.png"],
      ["..", "image"],
      ["", "image"],
      ["a\0b", "b"],
      [5, "image"],
      [{ length: 3 }, "image"],
      ["x".repeat(200) + ".png", `${"x".repeat(96)}.png`]
    ] as const) {
      const content = JSON.stringify({ name, size: 1, send: true, id: 5 })
      const { name: sent } = JSON.parse(contentOf10(message("image", content)).content) as { readonly name: string }
      const expected = typeof name === "string" && name.length > 100 ? name : `70-${safe}`
      assert.strictEqual(sent, expected)
    }
  })

  it("of an image or a file is always an object with a file name", () => {
    const types = fc.constantFrom("image", "file", "video", "audio")
    const field = fc.constantFrom("name", "title", "url", "id", "size", "send", "kind")
    const contents = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.json(),
      fc.dictionary(field, fc.jsonValue()).map((fields) => JSON.stringify(fields))
    )
    fc.assert(
      fc.property(types, contents, (type, content) => {
        const fields = JSON.parse(contentOf10(message(type, content)).content) as Readonly<Record<string, unknown>>
        assert.isTrue(typeof fields["name"] === "string" && /^[^/\\\0]+$/.test(fields["name"]))
        assert.notInclude([".", ".."], fields["name"])
        assert.isNumber(fields["size"])
        assert.property(fields, "send")
      })
    )
  })
})
