/** The pages below `docs/api` are current, complete, and of the exported surface only. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { assert, beforeAll, describe, it } from "vitest"
import { packages, ROOT } from "../src/Entries.ts"
import { makePages, type Pages } from "../src/Pages.ts"

let made: Pages = { pages: [], undocumented: [] }

describe("docs/api", () => {
  beforeAll(async () => {
    made = await makePages()
    if (process.env["UPDATE_DOCS"] !== "1") return
    for (const { file, text } of made.pages) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
  }, 240_000)

  it("is current", () => {
    for (const { file, text } of made.pages) {
      const written = existsSync(file) ? readFileSync(file, "utf8") : ""
      assert.isTrue(
        written === text,
        `docs/api/${basename(file)} is not current: \`npx pnpm run docs:api\` rewrites it`
      )
    }
    const files = made.pages.map(({ file }) => basename(file))
    assert.sameMembers(readdirSync(join(ROOT, "docs/api")), files)
  })

  it("has a docstring for every export", () => {
    assert.deepEqual(made.undocumented, [])
  })

  it("has a section for every entry point, and for nothing else", () => {
    for (const { folder, entries } of packages) {
      const page = made.pages.find(({ file }) => basename(file) === `${folder}.md`)?.text ?? ""
      const sections = Array.from(page.matchAll(/^## `(.*)`$/gm), ([, specifier = ""]) => specifier)
      assert.deepEqual(
        sections,
        entries.map(({ specifier }) => specifier)
      )
    }
  })

  it("shows nothing private", () => {
    for (const { file, text } of made.pages) assert.notMatch(text, /^\s*(?:private |#\w+[;:(])|_base\b/m, file)
  })
})
