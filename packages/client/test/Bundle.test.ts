/** Size and requirements of the client's bundle for browsers. */
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { fileURLToPath } from "node:url"
import { runInNewContext } from "node:vm"
import { gzipSync } from "node:zlib"

/** Bytes, minified and compressed. */
const MAX_SIZE = 13_000

const bundle = async (format: "esm" | "iife"): Promise<string> => {
  const { outputFiles, warnings } = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format,
    globalName: "parley",
    platform: "browser",
    target: "es2022",
    write: false
  })
  assert.deepStrictEqual(warnings, [])
  return outputFiles[0]?.text ?? ""
}

describe("the bundle for browsers", () => {
  it(`has less than ${MAX_SIZE} bytes, minified and compressed`, async () => {
    const text = await bundle("esm")
    const size = gzipSync(text, { level: 9 }).length
    console.log(`@parley/client: ${text.length} bytes minified, ${size} compressed`)
    assert.isBelow(size, MAX_SIZE)
    assert.isAbove(size, 1000, "something was bundled")
    assert.notMatch(text, /\bimport\b|\brequire\(|\bprocess\.|\bBuffer\b/, "uses only the platform's own")
  })

  it("runs with a browser's globals only", async () => {
    const page: Record<string, unknown> = { URL, TextEncoder, DataView, setTimeout, clearTimeout, console }
    const result = await (runInNewContext(
      `${await bundle("iife")}
      parley.connect({ url: "http://127.0.0.1", account: "ann", password: "x" }).catch((error) => error.code + ": " + error.cause.message)
    `,
      page
    ) as Promise<string>)
    assert.strictEqual(result, "connection: this platform has no WebSocket")
    assert.strictEqual(runInNewContext('parley.md5("abc")', page), "900150983cd24fb0d6963f7d28e17f72")
  })
})
