/** The page on embedding shows code of the examples, and the tour is a program that ends well. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, it } from "vitest"

const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url)

const EXAMPLES = [
  ...["ten-lines", "tour", "server"].map((name) => `examples/node-http/src/${name}.ts`),
  ...["express", "fastify", "hono", "nest"].map((name) => `examples/${name}/src/server.ts`)
]

it("the page on embedding shows lines of the examples", () => {
  const sources = EXAMPLES.map((path) => readFileSync(at(path), "utf8"))
  const page = readFileSync(at("docs/embedding.md"), "utf8")
  const blocks = Array.from(page.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, block = ""]) => block)
  assert.isAbove(blocks.length, 8)
  const invented = blocks.filter((block) => !sources.some((source) => source.includes(block)))
  assert.deepStrictEqual(invented, [])
})

it("the tour runs to its end", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(at("examples/node-http/src/tour.ts"))],
    {
      timeout: 30_000
    }
  )
  assert.strictEqual(stdout, "Forbidden Only the sender may do this.\n")
})

it("no example's server is longer than a page", () => {
  for (const path of EXAMPLES.filter((name) => name.endsWith("server.ts"))) {
    assert.isAtMost(readFileSync(at(path), "utf8").split("\n").length, 75, path)
  }
})
