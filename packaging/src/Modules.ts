/** Modules that can be imported from a published package, with the patterns of its `exports` spelled out. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { filesBelow, type Manifest } from "./Workspace.ts"

export interface Module {
  /** As it is imported: `@parley/core/testing/StoreLaws`. */
  readonly specifier: string
  /** As tools name it: `./testing/StoreLaws`. */
  readonly subpath: string
  /** Its file, from the package's folder. */
  readonly file: string
}

/** The subpaths that a pattern stands for, and their files; a subpath without a star stands for itself. */
const spelledOut = (
  subpath: string,
  target: string,
  files: ReadonlyArray<string>
): ReadonlyArray<readonly [string, string]> => {
  const [before = "", after] = target.replace("./", "").split("*")
  if (after === undefined) return [[subpath, before]]
  return files
    .filter((file) => file.startsWith(before) && file.endsWith(after))
    .map((file) => [subpath.replace("*", file.slice(before.length, file.length - after.length)), file])
}

/** The modules that a package in this folder exports: compiled ones when it is published, sources in the workspace. */
export const modulesOf = (
  folder: string,
  { name, exports }: Pick<Manifest, "name" | "exports">
): ReadonlyArray<Module> => {
  const files = filesBelow(folder).filter((file) => !file.startsWith("node_modules/"))
  return Object.entries(exports).flatMap(([subpath, exported]) => {
    const target = exported === null ? "" : typeof exported === "string" ? exported : exported.default
    if (!/\.[jt]s$/.test(target)) return []
    return spelledOut(subpath, target, files).map(([one, file]) => ({
      subpath: one,
      specifier: name + one.slice(1),
      file
    }))
  })
}

/** Specifiers that reach past a package's exports: each of its sources that is not an entry, by every path to it. */
export const deepImports = (
  folder: string,
  manifest: Pick<Manifest, "name" | "exports">,
  sources: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const entries = new Set(modulesOf(folder, manifest).map(({ specifier }) => specifier))
  return sources
    .map((source) => source.replace(/\.ts$/, ""))
    .flatMap((stem) => [`dist/${stem}.js`, `src/${stem}.ts`, `${stem}.js`, stem])
    .map((path) => `${manifest.name}/${path}`)
    .filter((specifier) => !entries.has(specifier))
}

/** Whether a file of a package needs something that is there only if the user has it. */
export const needsOptional = (folder: string, manifest: Manifest, file: string): boolean => {
  const { peerDependenciesMeta: peers = {} } = manifest
  const optional = Object.keys(peers).filter((name) => peers[name]?.optional === true)
  const text = readFileSync(join(folder, file), "utf8")
  return optional.some((name) => text.includes(`from "${name}"`) || text.includes(`from"${name}"`))
}
