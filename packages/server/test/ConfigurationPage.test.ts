import { assert, it } from "@effect/vitest"
import { readFileSync, writeFileSync } from "node:fs"
import { loadDialects } from "../src/protocols.ts"
import { configurationPage } from "../src/config/ConfigurationPage.ts"

const page = new URL("../../../docs/configuration.md", import.meta.url)

it("docs/configuration.md matches the declarations", async () => {
  const current = configurationPage((await loadDialects()).flatMap(({ settings }) => settings))
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, current)
  let written = ""
  try {
    written = readFileSync(page, "utf8")
  } catch {
    // A missing page is reported as outdated below.
  }
  assert.isTrue(written === current, "docs/configuration.md is outdated: `UPDATE_DOCS=1 npx pnpm test` rewrites it")
})
