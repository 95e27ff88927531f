/** Every link between the pages for users has a target. */
import { existsSync, readFileSync } from "node:fs"
import { execFileSync } from "node:child_process"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const ROOT = fileURLToPath(new URL("../../..", import.meta.url))
const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: ROOT,
  encoding: "utf8"
})
  .split("\n")
  .filter((page) => page !== "" && !page.startsWith(".changeset/"))

describe("documentation", () => {
  it.each(pages)("%s has no dead links", (page) => {
    const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/```[\s\S]*?```/g, "")
    const links = Array.from(text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g), ([, target = ""]) => target)
    const dead = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(resolve(ROOT, dirname(page), link)))
    expect(dead).toEqual([])
  })
})
