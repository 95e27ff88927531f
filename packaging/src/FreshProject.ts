/** A project outside the workspace, as a user's is. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { succeed } from "./Processes.ts"
import { type Manifest, manifestIn, packages, ROOT } from "./Workspace.ts"

const FRESH = fileURLToPath(new URL("../fresh", import.meta.url))

const prepare = (folder: string): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  cpSync(FRESH, folder, { recursive: true })
}

/**
 * Makes a project with the files of `fresh/`, and installs these tarballs, and these packages of the registry. The cache is
 * the project's own or `cache`: nothing of ours can come from anywhere else.
 */
export const freshProject = async (
  folder: string,
  { tarballs, others = [], cache }: { tarballs: Iterable<string>; others?: ReadonlyArray<string>; cache: string }
): Promise<void> => {
  prepare(folder)
  const flags = ["--no-audit", "--no-fund", "--cache", cache]
  await succeed("npm", ["install", ...flags, ...tarballs, ...others], { cwd: folder })
}

/** The packages that a package cannot do without, by name. */
const requiredBy = ({
  dependencies,
  peerDependencies,
  peerDependenciesMeta: peers
}: Manifest): ReadonlyArray<string> => [
  ...Object.keys(dependencies ?? {}),
  ...Object.keys(peerDependencies ?? {}).filter((name) => peers?.[name]?.optional !== true)
]

/** Links a package of the registry as the workspace has it: for one of its packages, or for its root. */
const link = (name: string, modules: string): void => {
  const from = [...packages.map(({ folder }) => folder), ROOT]
    .map((folder) => join(folder, "node_modules", name))
    .find((folder) => existsSync(folder))
  if (from === undefined) throw new Error(`the workspace has no ${name}`)
  mkdirSync(dirname(join(modules, name)), { recursive: true })
  symlinkSync(from, join(modules, name), "junction")
}

/**
 * Makes the project of `freshProject` in a tenth of the CPU time: the tarballs, by their packages, are unpacked. Required
 * packages of the registry, and `others`, are links to the workspace's own.
 */
export const unpackedProject = async (
  folder: string,
  { tarballs, others }: { tarballs: ReadonlyMap<string, string>; others: ReadonlyArray<string> }
): Promise<void> => {
  prepare(folder)
  const modules = join(folder, "node_modules")
  mkdirSync(join(modules, ".bin"), { recursive: true })
  const wanted = new Set(others)
  for (const [name, tarball] of tarballs) {
    const place = join(modules, name)
    mkdirSync(place, { recursive: true })
    await succeed("tar", ["-xzf", tarball, "--strip-components=1"], { cwd: place })
    const manifest = manifestIn(place)
    for (const one of requiredBy(manifest)) if (!tarballs.has(one)) wanted.add(one)
    for (const [bin, file] of Object.entries(manifest.bin ?? {})) {
      chmodSync(join(place, file), 0o755)
      symlinkSync(join(place, file), join(modules, ".bin", bin))
    }
  }
  for (const name of wanted) link(name, modules)
}

/** These packages and all that they require, by the manifests in a project, by name. */
export const required = (folder: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = new Set<string>()
  const add = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    for (const one of requiredBy(manifestIn(join(folder, "node_modules", name)))) add(one)
  }
  for (const name of names) add(name)
  return Array.from(found).toSorted()
}

/** Installs these versions of Node; returns the path of each. They come as packages of the registry, one per platform. */
export const installNodes = async (
  folder: string,
  versions: ReadonlyArray<string>
): Promise<ReadonlyMap<string, string>> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }))
  const platform = process.platform === "win32" ? "win" : process.platform
  const nodes = versions.map((version) => `node-${version}@npm:node-${platform}-${process.arch}@${version}`)
  await succeed("npm", ["install", "--no-audit", "--no-fund", ...nodes], { cwd: folder })
  const program = process.platform === "win32" ? "bin/node.exe" : "bin/node"
  return new Map(versions.map((version) => [version, join(folder, "node_modules", `node-${version}`, program)]))
}

/** The packages that are installed in a project, by name, wherever they lie in it. */
export const installed = (folder: string): ReadonlyArray<string> => {
  const modules = join(folder, "node_modules")
  const names = (at: string, scope = ""): ReadonlyArray<string> =>
    readdirSync(at)
      .filter((name) => !name.startsWith("."))
      .flatMap((name) => {
        if (name.startsWith("@")) return names(join(at, name), `${name}/`)
        const inner = join(at, name, "node_modules")
        return [`${scope}${name}`, ...(statSync(inner, { throwIfNoEntry: false }) === undefined ? [] : names(inner))]
      })
  return names(modules).toSorted()
}

/** Bytes of the files below a folder. */
export const bytesBelow = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
