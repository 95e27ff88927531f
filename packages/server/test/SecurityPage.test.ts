/** docs/security.md names what there is: settings with their defaults, files, and every section of ASVS 5.0.0 once. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { loadDialects } from "../src/protocols.ts"
import { declarations } from "../src/config/Configuration.ts"

const ROOT = new URL("../../../", import.meta.url)
const page = readFileSync(new URL("docs/security.md", ROOT), "utf8")

/** The cells of the table rows under a heading of level 2, without the head of each table. */
const rowsUnder = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [, section = ""] = page.split(`\n## ${heading}\n`)
  const [text = ""] = section.split("\n## ", 1)
  const rows = text.split("\n").filter((line) => line.startsWith("|"))
  const isRule = (line = ""): boolean => line.startsWith("| -")
  return rows
    .filter((line, index) => !isRule(line) && !isRule(rows[index + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim())
    )
}

/** Sections of each chapter, V1 to V17. Source: OWASP ASVS 5.0.0. */
const SECTIONS = [5, 4, 7, 4, 4, 8, 6, 4, 2, 7, 7, 3, 4, 3, 4, 5, 3]

describe("docs/security.md", () => {
  it("has the defaults of the limits that it lists", async () => {
    const settings = (await loadDialects()).flatMap((dialect) => dialect.settings)
    const defaults = new Map(declarations(settings).map(({ key, default: value }) => [`\`${key}\``, `\`${value}\``]))
    const rows = rowsUnder("Limits")
    assert.isAbove(rows.length, 30)
    for (const [key = "", value] of rows) assert.strictEqual(value, defaults.get(key), key)
  })

  it("names for each promise a test or a script that exists", () => {
    for (const [promise = "", holders = ""] of rowsUnder("Promises")) {
      if (promise.startsWith("**")) continue
      const files = Array.from(
        holders.matchAll(/\]\(\.\.\/([^)]+)\)|`(bench\/[^`]+)`/g),
        ([, test, script]) => test ?? script
      )
      assert.isNotEmpty(files, promise)
      for (const file of files) assert.isTrue(existsSync(fileURLToPath(new URL(file ?? "", ROOT))), file)
    }
  })

  it("has figures before and after of each script under bench/attack", () => {
    const rows = rowsUnder("Attacks, before and after")
    const scripts = readdirSync(new URL("bench/attack", ROOT)).map((file) => `\`bench/attack/${file}\``)
    assert.sameMembers(Array.from(new Set(rows.map(([, script = ""]) => script))), scripts)
    for (const [attack, , before, after] of rows) {
      for (const figure of [before, after]) assert.match(figure ?? "", /\d/, attack)
    }
  })

  it("judges each section of ASVS 5.0.0 once", () => {
    const rows = rowsUnder("ASVS 5.0.0, level 2")
    const wanted = SECTIONS.flatMap((count, chapter) =>
      Array.from({ length: count }, (_, section) => `${chapter + 1}.${section + 1}`)
    )
    assert.deepStrictEqual(
      rows.map(([section = ""]) => section.split(" ", 1)[0]),
      wanted
    )
    for (const [section, verdict, why] of rows) {
      assert.include(["holds", "partly", "open", "not applicable"], verdict, section)
      assert.isNotEmpty(why, section)
    }
  })
})
