import { assert, describe, it } from "@effect/vitest"
import { LineDecoder } from "../src/internal/socket/LineDecoder.ts"

const LIMIT = 16

/** Returns the lines of bytes that arrive in chunks of the given size. */
const cut = (bytes: Buffer, size: number): ReadonlyArray<string> => {
  const out: Array<string> = []
  const lines = new LineDecoder(LIMIT, {
    line: (bytes) => out.push(bytes.toString()),
    oversized: () => out.push("OVERSIZED")
  })
  for (let from = 0; from < bytes.length; from += size) lines.push(bytes.subarray(from, from + size))
  return out
}

const cases: ReadonlyArray<readonly [string, string, ReadonlyArray<string>]> = [
  ["lines", "a\nbc\n", ["a", "bc"]],
  ["ends of either kind", "a\r\nb\n", ["a", "b"]],
  ["blank lines", "\n\r\n \t\na\n\n", ["a"]],
  ["white space within", "  a b \n", ["  a b "]],
  ["characters of several bytes", "消息🙂\né\n", ["消息🙂", "é"]],
  ["an unfinished last line", "a\nb", ["a"]],
  ["a line of just the limit", `${"x".repeat(16)}\n${"y".repeat(16)}\r\n`, ["x".repeat(16), "y".repeat(16)]],
  ["a line one over", `${"x".repeat(17)}\nz\n`, ["OVERSIZED", "z"]],
  ["a line one over with its return", `${"x".repeat(17)}\r\nz\n`, ["OVERSIZED", "z"]],
  ["a line far over", `${"x".repeat(100)}\nz\n`, ["OVERSIZED", "z"]],
  ["a line over without an end", "x".repeat(100), ["OVERSIZED"]],
  ["a line over, without an end, by one", "x".repeat(17), ["OVERSIZED"]],
  ["a return that is no end, at the limit", `${"x".repeat(16)}\rx\nz\n`, ["OVERSIZED", "z"]],
  ["bytes, not characters", `${"字".repeat(6)}\n${"字".repeat(5)}\n`, ["OVERSIZED", "字".repeat(5)]],
  ["a return within", "a\rb\n", ["a\rb"]]
]

describe("lines", () => {
  for (const [name, text, expected] of cases) {
    it(`${name}, however they are cut into packets`, () => {
      const bytes = Buffer.from(text)
      for (let size = 1; size <= bytes.length; size++) assert.deepStrictEqual(cut(bytes, size), expected)
    })
  }

  it("a long line in very many packets takes time in proportion", () => {
    const limit = 1024 * 1024
    const out: Array<number> = []
    const lines = new LineDecoder(limit, {
      line: (bytes) => out.push(bytes.length),
      oversized: () => assert.fail("too long")
    })
    const packet = Buffer.from("x")
    for (let n = 0; n < limit; n++) lines.push(packet)
    lines.push(Buffer.from("\n"))
    assert.deepStrictEqual(out, [limit])
  }, 5000)
})
