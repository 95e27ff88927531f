/** The entry points of the published packages, and where their declarations are compiled to. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "")

/** The options of the repository's formatter. */
export const { ignorePatterns: _, ...FORMAT } = JSON.parse(readFileSync(join(ROOT, ".oxfmtrc.json"), "utf8")) as {
  readonly ignorePatterns: ReadonlyArray<string>
  readonly semi: boolean
  readonly printWidth: number
  readonly trailingComma: "none"
}

/** The declarations of all packages, as one compilation writes them: `<package>/src/….d.ts`. */
export const DECLARATIONS = join(ROOT, "node_modules/.cache/parley-api")

export interface Entry {
  /** As it is imported: `@parley/core/Engine`. */
  readonly specifier: string
  /** Its source, from the root: `packages/core/src/engine/Engine.ts`. */
  readonly source: string
}

export interface Package {
  readonly name: string
  /** The folder below `packages`, which is the page's name as well. */
  readonly folder: string
  readonly description: string
  readonly entries: ReadonlyArray<Entry>
}

interface Manifest {
  readonly name: string
  readonly description: string
  readonly exports: Readonly<Record<string, string | null>>
}

/** The entries of a pattern are the folders that have the file it names. */
const spelledOut = (folder: string, subpath: string, target: string): ReadonlyArray<readonly [string, string]> => {
  const [before = "", after] = target.split("*")
  if (after === undefined) return [[subpath, target]]
  return readdirSync(join(ROOT, "packages", folder, before))
    .filter((name) => existsSync(join(ROOT, "packages", folder, `${before}${name}${after}`)))
    .toSorted()
    .map((name) => [subpath.replace("*", name), `${before}${name}${after}`])
}

const packageIn = (folder: string): Package => {
  const file = join(ROOT, "packages", folder, "package.json")
  const { name, description, exports } = JSON.parse(readFileSync(file, "utf8")) as Manifest
  const entries = Object.entries(exports)
    .filter((exported): exported is [string, string] => exported[1]?.endsWith(".ts") === true)
    .flatMap(([subpath, target]) => spelledOut(folder, subpath, target))
    .map(([subpath, target]) => ({
      specifier: name + subpath.slice(1),
      source: join("packages", folder, target)
    }))
  return { name, folder, description, entries }
}

/** The packages that export something, in the order in which they build on each other. */
export const packages: ReadonlyArray<Package> = readdirSync(join(ROOT, "packages"))
  .filter((folder) => existsSync(join(ROOT, "packages", folder, "package.json")))
  .map(packageIn)
  .filter(({ entries }) => entries.length > 0)
  .toSorted((a, b) => Number(b.folder === "core") - Number(a.folder === "core"))

/** The compiled declarations of a source. */
export const declarationsOf = (source: string): string =>
  join(DECLARATIONS, source.replace(/^packages\//, "").replace(/\.ts$/, ".d.ts"))
