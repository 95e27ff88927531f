/** docs/security.md matches the code: settings with their defaults, files, and every section of ASVS 5.0.0 once. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { defaultSettings as bounds } from "@parley/core/Settings"
import { loadDialects } from "../src/protocols.ts"
import { declarations } from "../src/config/Configuration.ts"

const ROOT = new URL("../../../", import.meta.url)
const page = readFileSync(new URL("docs/security.md", ROOT), "utf8")

/** Returns the cells of table rows under a heading of level 2, without the tables' headers. */
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

/** Rows of bounds that follow from settings or are fixed, by their first and last cell. */
const BOUNDS: ReadonlyMap<string, number> = new Map([
  [
    "an eighth of `limits.inputTotal`: bytes of frames and bodies in memory per address; an eighth before login",
    bounds.inputPerAddress
  ],
  ["twice `limits.frame`: bytes of waiting frames per connection before reading pauses", bounds.input],
  ["a fifth of `limits.connections`: connections without a user", bounds.unauthenticated],
  ["`limits.connections` and twice `limits.requests`: sockets of each port", bounds.sockets],
  [
    "ten times `login.attempts`: failed logins per account and hour, from all addresses unknown to the user together",
    bounds.loginAttemptsPerHour
  ],
  ["fixed: bytes of one frame, and of waiting frames, before login", bounds.unauthenticatedInput],
  ["fixed: waiting frames per connection", bounds.waitingFrames],
  ["fixed: requests of one frame", bounds.requestsPerFrame],
  ["fixed: messages of one request", bounds.messagesPerRequest],
  ["fixed: files of one upload", bounds.filesPerUpload],
  ["fixed: characters of one response about a history", bounds.historyBytes],
  ["fixed: seconds of the window of failed logins", bounds.loginWindow],
  ["fixed: seconds by which the clock of an app of youdu may be off", 300]
])

describe("docs/security.md", () => {
  it("has the defaults of the listed limits", async () => {
    const settings = (await loadDialects()).flatMap((dialect) => dialect.settings)
    const defaults = new Map(declarations(settings).map(({ key, default: value }) => [`\`${key}\``, `\`${value}\``]))
    const rows = rowsUnder("Limits").filter(([key = "", , bounds = ""]) => !BOUNDS.has(`${key}: ${bounds}`))
    assert.isAbove(rows.length, 20)
    for (const [key = "", value] of rows) assert.strictEqual(value, defaults.get(key), key)
  })

  it("has the bounds that are not settings", () => {
    const rows = new Map(rowsUnder("Limits").map(([key, value, bounds]) => [`${key}: ${bounds}`, value]))
    for (const [bound, value] of BOUNDS) assert.strictEqual(rows.get(bound), `\`${value}\``, bound)
  })

  it("names an existing test or script for each guarantee", () => {
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

  it("assesses each section of ASVS 5.0.0 once", () => {
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
