import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { examples } from "../src/requirements/RequirementExample.ts"
import { statements } from "../src/requirements/RequirementText.ts"

const brief = (text: string) =>
  statements("p", text).map(({ kind, section, text: said, at }) =>
    at === undefined ? [kind, section, said] : [kind, section, said, at]
  )

describe("a document's statements", () => {
  it("are headings, and sentences below them; the first heading is nobody's section", () => {
    expect(brief("# 题\n\n## 登录\n先登录。再说话；\n\n### 细节\n**请求**\n\n须带\u00a0编号\n## 登出\n完了")).toEqual([
      ["heading", "", "题"],
      ["heading", "", "登录"],
      ["sentence", "登录", "先登录。"],
      ["sentence", "登录", "再说话；"],
      ["heading", "登录", "细节"],
      ["heading", "登录 / 细节", "请求"],
      ["sentence", "登录 / 细节 / 请求", "须带 编号"],
      ["heading", "", "登出"],
      ["sentence", "登出", "完了"]
    ])
  })

  it("are underlined headings, items and indented examples", () => {
    const text =
      '.. _im:\n\nIM\n=====\n\n取签名\n~~~~~\n**URL**::\n\n    GET  /sign/<id>\n\n**Response** `200` ::\n\n    {"nonce":"a"}\n\n-- end\n* id: 编号\n'
    expect(brief(text)).toEqual([
      ["heading", "", "IM"],
      ["heading", "", "取签名"],
      ["heading", "取签名", "URL"],
      ["example", "取签名 / URL", "GET /sign/<id>", ""],
      ["heading", "取签名", "Response 200"],
      ["example", "取签名 / Response 200", '{"nonce":"a"}', ""],
      ["item", "取签名 / Response 200", "id: 编号"]
    ])
  })

  it("are rows of either kind of table, the first of which names the columns", () => {
    const text =
      "## 表\n| 名称 | 必须 |\n|---|---|\n| id | 是 |\n\n| 名称 | 必须 |\n| a | 否|\n\n<table>\n <tr>\n <td>参数</td>\n <td>必填</td>\n </tr>\n <tr>\n <td><code>To</code></td>\n <td>是</td>\n </tr>\n</table>\n\n<table>\n<thead>\n<tr>\n<th>名称</th>\n</tr>\n</thead>\n<tr>\n<td>gid</td>\n</tr>\n</table>"
    expect(brief(text).slice(1)).toEqual([
      ["header", "表", "名称 | 必须"],
      ["row", "表", "id | 是"],
      ["header", "表", "名称 | 必须"],
      ["row", "表", "a | 否"],
      ["header", "表", "参数 | 必填"],
      ["row", "表", "To | 是"],
      ["header", "表", "名称"],
      ["row", "表", "gid"]
    ])
  })

  it("have a key that is the hash of where and what they say, counted where all of it comes again", () => {
    const hash = (...parts: ReadonlyArray<string>) => createHash("sha256").update(parts.join("\n")).digest("hex")
    const [, one, two, , other] = statements("p", "## a\n说。\n说。\n## b\n说。")
    expect(one?.key).toBe(hash("p", "a", "", "说。"))
    expect(two?.key).toBe(`${hash("p", "a", "", "说。")}.2`)
    expect(other?.key).toBe(hash("p", "b", "", "说。"))
    expect(statements("q", "## a\n说。")[1]?.key).not.toBe(one?.key)
  })

  it("do not depend on white space, line ends or what only orders the page", () => {
    const keys = (text: string) => statements("p", text).map(({ key }) => key)
    expect(keys("## a\r\n\r\n说  话。\r\n\r\n---\r\n")).toEqual(keys("## a\n说 话。"))
  })

  it("are those of any text, always the same and all different", () => {
    const lines = fc.constantFrom(
      "## a",
      "**b**",
      "```",
      "{",
      "}",
      "| a | b |",
      "|--|--|",
      "<tr>",
      "<td>x</td>",
      "</tr>",
      "说。",
      "* x",
      "~~~~~",
      "x::",
      " y",
      "参数：",
      "data: ["
    )
    const texts = fc.oneof(
      fc.string(),
      fc.array(lines, { maxLength: 30 }).map((all) => all.join("\n"))
    )
    fc.assert(
      fc.property(texts, (text) => {
        const found = statements("p", text)
        expect(new Set(found.map(({ key }) => key)).size).toBe(found.length)
        expect(statements("p", text)).toEqual(found)
      })
    )
  })
})

describe("an example's lines", () => {
  const at = (text: string) => examples(text.split("\n"), 1).map((one) => [one.line, one.at, one.text])

  it("stand where their brackets put them", () => {
    const text = `{\n  id, // 编号\n  data:\n  [ // 全部\n    { name: 'x', // 名\n      members: [{id}, {id}...] // 人\n      list:\n      [\n        { id },\n        // 更多\n      ]\n    },\n  ],\n  sid\n}`
    expect(at(text)).toEqual([
      [2, "id", "id, // 编号"],
      [3, "data", "data:"],
      [4, "data", "[ // 全部"],
      [5, "data[]", "{ name: 'x', // 名"],
      [6, "data[].members", "members: [{id}, {id}...] // 人"],
      [7, "data[].list", "list:"],
      [9, "data[].list[]", "{ id },"],
      [10, "data[].list[]", "// 更多"],
      [14, "sid", "sid"]
    ])
  })

  it("keep brackets and slashes in texts for what they are", () => {
    expect(at(`{\n"url": "http://x/[{",\n"next": 1\n}`)).toEqual([
      [2, "url", '"url": "http://x/[{",'],
      [3, "next", '"next": 1']
    ])
  })
})
