/** The Chinese pages show the same examples and table rows as the English ones, whose examples are run elsewhere. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url))
const ZH = join(DOCS, "zh")

const pages = readdirSync(ZH, { recursive: true, encoding: "utf8" }).filter((page) => page.endsWith(".md"))
/** Pages that translate the English one completely; the others are introductions. */
const complete = pages.filter((page) => page.startsWith("protocols"))

const examplesIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm), ([, code = ""]) => code)

/** The first cells that are code: methods, statuses, fields, signatures, settings. */
const keysIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^\| *(`[^|]*`|-?\d+) *\|/gm), ([, key = ""]) =>
    key.replaceAll("、", ", ").trim()
  )

const read = (folder: string, page: string): string => readFileSync(join(folder, page), "utf8")

describe("a Chinese page", () => {
  it("exists for the protocols and for the first pages of operators and embedders", () => {
    expect(pages.toSorted()).toEqual([
      "embedding.md",
      "operating.md",
      "protocols.md",
      "protocols/ha.md",
      "protocols/hisihi.md",
      "protocols/spark.md",
      "protocols/xuanxuan-desktop.md",
      "protocols/xuanxuan.md",
      "protocols/youdu.md",
      "scaling.md"
    ])
  })

  it.each(pages)("%s has examples of the English page only", (page) => {
    const english = examplesIn(read(DOCS, page))
    const unknown = examplesIn(read(ZH, page)).filter((code) => !english.includes(code))
    expect(unknown).toEqual([])
  })

  it.each(complete)("%s has all examples and table rows of the English page, in the same order", (page) => {
    expect(examplesIn(read(ZH, page))).toEqual(examplesIn(read(DOCS, page)))
    expect(keysIn(read(ZH, page))).toEqual(keysIn(read(DOCS, page)))
  })

  it.each(pages)("%s and the English page link to each other", (page) => {
    expect(read(DOCS, page)).toMatch(/^\[中文\]\((?:\.\.\/)?zh\//m)
    expect(read(ZH, page)).toMatch(/^\[English\]\(/m)
  })
})
