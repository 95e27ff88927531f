/** Bytes that are not UTF-8 in the texts of scenarios. */
import { execFileSync } from "node:child_process"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { curl } from "../src/Reproduce.ts"
import { bytesOf, textOf } from "../src/match/bytes.ts"

describe("the text of bytes", () => {
  it("stands for these bytes and no others", () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.string({ unit: "binary" }).map((text) => Uint8Array.from(Buffer.from(text)))
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const bytes = Buffer.concat(parts)
        expect(Buffer.from(bytesOf(textOf(bytes))).equals(bytes)).toBe(true)
      })
    )
  })

  it("differs from the text of bytes that were decoded and encoded again", () => {
    const bytes = Buffer.from([0x61, 0xff, 0xc3, 0x0d, 0x0a])
    expect(textOf(bytes)).toBe("a\udcff\udcc3\r\n")
    expect(textOf(Buffer.from(bytes.toString("utf8")))).toBe("a\ufffd\ufffd\r\n")
  })

  it("has U+FFFD for bytes that are not UTF-8 after the first 65,536", () => {
    const bytes = Buffer.alloc(70_000, 0x61)
    bytes[10] = 0xff
    bytes[69_999] = 0xff
    expect(textOf(bytes).replaceAll("a", "")).toBe("\udcff\ufffd")
  })
})

it("a command that reproduces an upload has the same bytes", () => {
  const content = "\r\n\0'%\\é\udcff"
  const form = { fields: [], files: [{ part: "files", name: "a", content }] }
  const command = curl({ method: "POST", url: "http://127.0.0.1:1/", headers: [], form })
  const [input = ""] = command.split(" | ")
  expect(execFileSync("sh", ["-c", input]).equals(Buffer.from(bytesOf(content)))).toBe(true)
})
