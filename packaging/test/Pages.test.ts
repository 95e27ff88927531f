/** A package as npm shows it: its page begins with the installation, and its manifest has keywords. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { packages, root } from "../src/Workspace.ts"

describe.each(packages)("the page of $name", ({ name, folder, manifest }) => {
  const page = readFileSync(join(folder, "README.md"), "utf8")
  const [title, command, needs = ""] = page.split("\n\n")

  it("begins with the command that installs it", () => {
    assert.strictEqual(title, `# ${name}`)
    const [, line = ""] = /^```sh\n(npm i [^\n]+)\n```$/.exec(command ?? "") ?? []
    assert.include(line.split(" "), name)
  })

  it("installs with it every package that its first example imports", () => {
    const [, example = ""] = /^```[jt]s\n([\s\S]*?)^```/m.exec(page) ?? []
    const imported = Array.from(example.matchAll(/from "(@[^/"]+\/[^/"]+|[^@"./:][^"/:]*)["/]/g), ([, one = ""]) => one)
    const installed = (command ?? "").split(/\s/)
    assert.deepEqual(
      imported.filter((one) => !installed.includes(one)),
      []
    )
  })

  it("names the oldest Node, and the ways to load it", () => {
    const oldest = manifest.engines.node.replace(">=", "").replace(/(?:\.0)+$/, "")
    assert.include(needs, `Node ${oldest} or newer`)
    if (name !== "@parley/server") assert.match(needs, /ES module.*`require`/)
  })

  it("has links that work on npm, where no other file of the repository is", () => {
    const targets = Array.from(page.matchAll(/\]\(([^)]*)\)/g), ([, target = ""]) => target)
    assert.deepEqual(
      targets.filter((target) => !/^(?:https:|#)/.test(target)),
      []
    )
  })

  it("is found by keywords, and names no address that does not exist", () => {
    const { keywords = [] } = manifest
    assert.isAtLeast(keywords.length, 3)
    assert.include(keywords, "chat")
    assert.deepEqual([...new Set(keywords)].toSorted(), keywords)
    assert.isAtLeast(manifest.description?.length ?? 0, 20)
    assert.strictEqual(manifest.license, "MIT")
    // The address of the repository is not known before the first release; then all manifests have the same.
    for (const field of ["repository", "homepage", "bugs"] as const) assert.deepEqual(manifest[field], root[field])
  })
})
