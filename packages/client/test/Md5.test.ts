import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { md5 } from "../src/index.ts"
import { seededRandom } from "./Proxy.ts"

const expected = (text: string): string => createHash("md5").update(text).digest("hex")

describe("md5", () => {
  it.each([
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["123456", "e10adc3949ba59abbe56e057f20f883e"]
  ])("of %j is %s", (text, digest) => {
    assert.strictEqual(md5(text), digest)
  })

  it("equals the platform's for every length from 0 to 199", () => {
    for (let length = 0; length < 200; length++) {
      const text = "x".repeat(length)
      assert.strictEqual(md5(text), expected(text), `${length} characters`)
    }
  })

  it("equals the platform's for 1000 random texts", () => {
    const seed = Number(process.env["PARLEY_TEST_SEED"] ?? Date.now() % 2 ** 31)
    const random = seededRandom(seed)
    for (let round = 0; round < 1000; round++) {
      // Any code unit, including half a surrogate pair, which UTF-8 replaces.
      const units = Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 0x10000))
      const text = String.fromCharCode(...units)
      assert.strictEqual(md5(text), expected(text), `seed ${seed}: ${JSON.stringify(text)}`)
    }
  })
})
