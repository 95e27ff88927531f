/** Writes `docs/api`: `npx pnpm run docs:api`. Fails if an export has no docstring. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { makePages } from "./Pages.ts"

const { pages, undocumented } = await makePages()
for (const { file, text } of pages) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
for (const one of undocumented) console.error(`no docstring: ${one}`)
process.exitCode = undocumented.length === 0 ? 0 : 1
