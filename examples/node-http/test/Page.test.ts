/** The page on embedding shows code of the examples, and the tour is a program that ends well. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, it } from "vitest"

const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url)

const EXAMPLES = [
  ...["ten-lines", "tour", "nodes", "server"].map((name) => `examples/node-http/src/${name}.ts`),
  ...["express", "fastify", "hono"].map((name) => `examples/${name}/src/server.ts`),
  ...["chat/chat.module", "chat/chat.statistics"].map((name) => `examples/nest/src/${name}.ts`)
]

const SESSIONS = ["src/express-session.ts", "src/better-auth.ts", "next/server.js"].map(
  (path) => `examples/sessions/${path}`
)

it.each([
  ["docs/embedding.md", 10],
  ["docs/sessions.md", 10]
])("%s shows lines of the examples", (path, least) => {
  // A shown option may be indented in the source, and followed by others.
  const plain = (text: string): string => text.replaceAll(/,$|^ +/gm, "")
  const sources = [...EXAMPLES, ...SESSIONS].map((name) => plain(readFileSync(at(name), "utf8")))
  const page = readFileSync(at(path), "utf8")
  const blocks = Array.from(page.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, block = ""]) => plain(block))
  assert.isAtLeast(blocks.length, least)
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
  for (const path of EXAMPLES.filter((name) => /(?:server|module)\.ts$/.test(name))) {
    assert.isAtMost(readFileSync(at(path), "utf8").split("\n").length, 75, path)
  }
})
