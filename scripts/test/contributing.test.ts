/** CONTRIBUTING has the rooms of the core in their order, and no term that the code has lost. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { orders } from "../rooms.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8")
const section = (name: string): string => page.split(/^## /m).find((text) => text.startsWith(`${name}\n`)) ?? ""
const rows = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/^\| (.*?) +\|/gm), ([, cell = ""]) => cell)

const sources = readdirSync(join(ROOT, "packages"), { recursive: true, encoding: "utf8" })
  .filter((file) => /^[^/\\]+[/\\]src[/\\].*\.ts$/.test(file))
  .map((file) => readFileSync(join(ROOT, "packages", file), "utf8"))
  .join("\n")

describe("CONTRIBUTING", () => {
  it("lists the rooms of the core in their order", () => {
    const listed = rows(section("Rooms")).flatMap((cell) => /^`(.*)`$/.exec(cell)?.[1] ?? [])
    assert.deepEqual(listed, orders["core"])
  })

  it("lists the rooms of the other packages in their order", () => {
    for (const name of ["server"]) {
      const [line = ""] = section("Rooms")
        .split("\n")
        .filter((text) => text.startsWith(`- \`${name}\``))
      const listed = Array.from(line.matchAll(/`([^`]+)`/g), ([, room = ""]) => room).slice(1)
      assert.deepEqual(listed, orders[name])
    }
  })

  it("has a glossary of terms that the code declares", () => {
    const terms = rows(section("Glossary")).flatMap((cell) =>
      Array.from(cell.matchAll(/`(\w+)`/g), ([, term = ""]) => term)
    )
    assert.isAbove(terms.length, 25)
    const isDeclared = (term: string): boolean =>
      new RegExp(`(?:export (?:declare |abstract )?(?:const|class|interface|type|function)|readonly) ${term}\\b`).test(
        sources
      )
    assert.deepEqual(
      terms.filter((term) => !isDeclared(term)),
      []
    )
  })
})
