/** What can be imported of a published package, with the patterns of its `exports` spelled out. */
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

/** The modules of a built package in this folder, by what it exports when it is published; without its programs. */
export const modulesOf = (folder: string, { name, bin = {}, exports }: Manifest): ReadonlyArray<Module> => {
  const files = filesBelow(folder).filter((file) => !file.startsWith("node_modules/"))
  const programs = Object.values(bin).map((file) => file.replace("./", ""))
  const modules = new Map<string, Module>()
  for (const [subpath, exported] of Object.entries(exports)) {
    const target = typeof exported === "string" ? exported : exported.default
    if (!target.endsWith(".js")) continue
    for (const [one, file] of spelledOut(subpath, target, files)) {
      if (!programs.includes(file)) modules.set(one, { subpath: one, specifier: name + one.slice(1), file })
    }
  }
  return [...modules.values()]
}

/** Whether a file of a package needs something that is there only if the user has it. */
export const needsOptional = (folder: string, manifest: Manifest, file: string): boolean => {
  const { peerDependenciesMeta: peers = {} } = manifest
  const optional = Object.keys(peers).filter((name) => peers[name]?.optional === true)
  const text = readFileSync(join(folder, file), "utf8")
  return optional.some((name) => text.includes(`from "${name}"`))
}
