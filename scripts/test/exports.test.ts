import { existsSync, globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, string | null>>
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, { readonly default: string } | string>> }
}

const published = globSync("packages/*/package.json", { cwd: root })
  .map((path) => ({ path, manifest: JSON.parse(readFileSync(`${root}/${path}`, "utf8")) as Manifest }))
  .filter(({ manifest }) => manifest.publishConfig?.exports !== undefined)

describe.each(published)("the modules of $manifest.name", ({ path, manifest }) => {
  const { exports = {}, publishConfig } = manifest

  it("are the same in the repository and when published", () => {
    expect(Object.keys(publishConfig?.exports ?? {}).toSorted()).toEqual(Object.keys(exports).toSorted())
  })

  it("exist", () => {
    const files = Object.values(exports).filter((file): file is string => file?.includes("*") === false)
    expect(files.filter((file) => !existsSync(`${root}/${path.replace("package.json", file)}`))).toEqual([])
  })
})
