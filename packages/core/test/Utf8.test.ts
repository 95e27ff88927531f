/** Text as UTF-8, as every encoder writes it. */
import { assert, describe, it } from "@effect/vitest"
import { exceeds, textBytes } from "@parley/core/Utf8"
import * as fc from "fast-check"

const encoder = new TextEncoder()

describe("UTF-8", () => {
  it("equals the platform encoder's, even for unpaired surrogates", () => {
    for (const text of ["", "abc", "é", "消息", "😀", "a😀b", "\ud83d", "\ude00", "\ud83d\ud83d\ude00x", "x\ud83d"]) {
      assert.deepStrictEqual(textBytes(text), encoder.encode(text), JSON.stringify(text))
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.array(fc.integer({ min: 0, max: 0xffff })), (text, units) => {
        const torn = text + String.fromCharCode(...units)
        assert.deepStrictEqual(textBytes(torn), encoder.encode(torn))
        const { length } = encoder.encode(text)
        assert.isFalse(exceeds(text, length))
        if (length > 0) assert.isTrue(exceeds(text, length - 1))
      })
    )
  })
})
