/** Two engines on one database are nodes of one service. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, it } from "vitest"
import { createDatabase } from "../../../scripts/postgres/database.ts"

it("a message that one node stores is an event of the other", async () => {
  const program = fileURLToPath(new URL("../src/nodes.ts", import.meta.url))
  const env = { ...process.env, DATABASE: await createDatabase("18") }
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env, timeout: 50_000 })
  assert.strictEqual(stdout, "Hello, Ben\n")
})
