/** Content in this protocol's encoding. Source: PROTOCOLS, "Content of other protocols", "Recall". */
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { contentOf } from "../../src/xuanxuan/content.ts"

const message = (contentType: string, content: string, recalled = false): Message => ({
  id: EntryId(1),
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
  revision: EntryId(1)
})

const LINK = "http://files.example/1"

describe("content", () => {
  it("of another protocol is encoded even if it is too deep to serialize", () => {
    const deep = `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`
    const { contentType, content } = contentOf(message("video", deep))
    assert.strictEqual(contentType, "file")
    assert.strictEqual((JSON.parse(content) as { readonly kind: unknown }).kind, "video")
  })

  it("is unchanged for text, and JSON text for everything else", () => {
    const table: ReadonlyArray<readonly [type: string, content: string, encodedType: string, encoded: string]> = [
      ["text", "hello", "text", "hello"],
      ["text", "", "text", ""],
      ["text", '{"a":1}', "text", '{"a":1}'],
      ["image", '{"id":5,"url":"x"}', "image", '{"id":5,"url":"x"}'],
      ["image", ' {"id":5}', "image", '{"url":" {\\"id\\":5}"}'],
      ["image", LINK, "image", `{"url":"${LINK}"}`],
      ["image", "{broken", "image", '{"url":"{broken"}'],
      ["image", "[1]", "image", '{"url":"[1]"}'],
      ["image", "null", "image", '{"url":"null"}'],
      ["image", "", "image", '{"url":""}'],
      ["emoticon", '{"content":"x"}', "emoticon", '{"content":"x"}'],
      ["emoticon", ":smile:", "emoticon", '{"url":":smile:"}'],
      ["file", LINK, "file", `{"url":"${LINK}","kind":"file"}`],
      ["video", LINK, "file", `{"url":"${LINK}","kind":"video"}`],
      ["audio", LINK, "file", `{"url":"${LINK}","kind":"audio"}`],
      ["audio", '{"url":"x","seconds":3}', "file", '{"url":"x","seconds":3,"kind":"audio"}'],
      ["video", '{"kind":"cat"}', "file", '{"kind":"video"}'],
      ["emotion", ":smile:", "emotion", ":smile:"],
      ["emotion", '{"type":"emoji","content":":smile:"}', "emotion", '{"type":"emoji","content":":smile:"}'],
      ["object", "x", "object", "x"],
      ["object", '{"type":"url"}', "object", '{"type":"url"}'],
      ["location", "31.2,121.5", "text", "31.2,121.5"],
      ["location", '{"x":1}', "text", '{"x":1}'],
      ["whatever", "x", "text", "x"]
    ]
    for (const [contentType, content, encodedType, encoded] of table) {
      assert.deepStrictEqual(
        contentOf(message(contentType, content)),
        { contentType: encodedType, content: encoded },
        `${contentType} ${content}`
      )
    }
  })

  it("that is large JSON is shown as a link, since it is parsed each time", () => {
    const wide = (fields: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: fields }, (_, id) => [`k${id}`, id])))
    assert.deepStrictEqual(contentOf(message("image", wide(100))), { contentType: "image", content: wide(100) })
    for (const large of [wide(200), `{"a":${"[".repeat(40)}${"]".repeat(40)}}`]) {
      assert.deepStrictEqual(contentOf(message("image", large)), {
        contentType: "image",
        content: JSON.stringify({ url: large })
      })
    }
  })

  it("of a recalled message is empty, with a type of this protocol", () => {
    for (const [contentType, encoded] of [
      ["text", "text"],
      ["image", "image"],
      ["file", "file"],
      ["emoticon", "emoticon"],
      ["emotion", "emotion"],
      ["object", "object"],
      ["video", "file"],
      ["audio", "file"],
      ["location", "text"],
      ["x", "text"]
    ]) {
      assert.deepStrictEqual(contentOf(message(contentType ?? "", "", true)), { contentType: encoded, content: "" })
    }
  })

  it("that is not text is always a JSON object", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("image", "emoticon", "file", "video", "audio"),
        fc.oneof(fc.string(), fc.json()),
        (type, text) => {
          const { contentType, content } = contentOf(message(type, text))
          const json: unknown = JSON.parse(content)
          assert.isTrue(typeof json === "object" && json !== null && !Array.isArray(json))
          assert.include(["image", "emoticon", "file"], contentType)
        }
      )
    )
  })
})
