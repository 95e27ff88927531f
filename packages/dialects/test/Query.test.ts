/** Queries and form bodies: the URL Standard, but for bytes that are not UTF-8, which are refused. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { isUtf8 } from "node:buffer"
import { parseQuery } from "../src/_http/query.ts"

const parsed = (text: string, limit = 1000) => {
  const query = parseQuery(text, limit)
  if (Result.isFailure(query)) return query.failure
  return query.success.names().flatMap((name) => query.success.all(name).map((value) => [name, value] as const))
}

/** URL Standard, 5.1 and 1.3, byte by byte. */
const percentDecoded = (text: string): string | undefined => {
  const bytes = Buffer.from(text)
  const decoded: Array<number> = []
  for (let at = 0; at < bytes.length; at++) {
    const escape = /^%([0-9A-Fa-f]{2})$/.exec(bytes.toString("latin1", at, at + 3))
    decoded.push(escape === null ? (bytes[at] ?? 0) : Number.parseInt(escape[1] ?? "", 16))
    if (escape !== null) at += 2
  }
  return isUtf8(Uint8Array.from(decoded)) ? Buffer.from(decoded).toString() : undefined
}

const standard = (text: string): ReadonlyArray<readonly [string, string]> | undefined => {
  const pairs = text
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", ...value] = pair.replaceAll("+", " ").split("=")
      return [percentDecoded(name), percentDecoded(value.join("="))] as const
    })
  return pairs.some((pair) => pair.includes(undefined))
    ? undefined
    : pairs.map(([name = "", value = ""]) => [name, value] as const)
}

describe("a query", () => {
  it("is decoded as browsers encode it, even with a % that does not begin an escape", () => {
    const table: ReadonlyArray<readonly [string, ReturnType<typeof parsed>]> = [
      ["", []],
      ["a", [["a", ""]]],
      ["a=", [["a", ""]]],
      ["=b", [["", "b"]]],
      ["a=b=c", [["a", "b=c"]]],
      ["&&a=1&&", [["a", "1"]]],
      ["Content=100%+sure%21", [["Content", "100% sure!"]]],
      ["a=%", [["a", "%"]]],
      ["a=%2", [["a", "%2"]]],
      ["a=%zz%41", [["a", "%zzA"]]],
      ["a=%25zz", [["a", "%zz"]]],
      ["%E4%B8%AD=%E6%96%87", [["中", "文"]]],
      ["a=中", [["a", "中"]]],
      ["a=%EF%BB%BFx", [["a", "\ufeffx"]]]
    ]
    for (const [text, pairs] of table) assert.deepStrictEqual(parsed(text), pairs, text)
  })

  it("whose bytes are not UTF-8 is refused", () => {
    const table = [
      "a=%D6%D0%CE%C4",
      "%D6%D0=1",
      "a=%FF",
      "a=%C0%80",
      "a=%ED%A0%80",
      "a=%F4%90%80%80",
      "a=%E4%B8",
      "a=%+%80"
    ]
    for (const text of table) assert.strictEqual(parsed(text), "is not UTF-8 once it is decoded", text)
  })

  it("matches the URL Standard's algorithm, and is refused if its bytes are not UTF-8", () => {
    const piece = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => text.toWellFormed()),
      fc.constantFrom("%", "%4", "%41", "+", "&", "=", "%E4%B8%AD", "%ff", "%25")
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("")
        const wanted = standard(text)
        const grouped = wanted?.map(([name]) => name).filter((name, index, all) => all.indexOf(name) === index)
        const found = parsed(text)
        if (wanted === undefined) assert.isString(found, text)
        else {
          const inOrder = (grouped ?? []).flatMap((name) => wanted.filter(([other]) => other === name))
          assert.deepStrictEqual(found, inOrder, text)
        }
      })
    )
  })

  it("with too many parameters is refused at the limit", () => {
    assert.strictEqual(parsed("a=1&".repeat(1001)), "has more than 1000 parameters")
    assert.lengthOf(parsed("a=1&".repeat(1000)), 1000)
    // Parameters after the limit are not decoded.
    assert.strictEqual(parsed(`${"a=1&".repeat(1000)}a=%FF`), "has more than 1000 parameters")
  })
})
