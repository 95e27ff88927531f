/** A project outside the workspace, as a user's is. */
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { succeed } from "./Processes.ts"

const FRESH = fileURLToPath(new URL("../fresh", import.meta.url))

/**
 * Makes a project with what `fresh/` holds, and installs these tarballs, and these packages of the registry. The cache is
 * the project's own or `cache`: nothing of ours can come from anywhere else. With `resolveOnly` only the lock file is written.
 */
export const freshProject = async (
  folder: string,
  {
    tarballs,
    others = [],
    cache,
    resolveOnly = false
  }: { tarballs: Iterable<string>; others?: ReadonlyArray<string>; cache: string; resolveOnly?: boolean }
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  cpSync(FRESH, folder, { recursive: true })
  const flags = ["--no-audit", "--no-fund", "--cache", cache, ...(resolveOnly ? ["--package-lock-only"] : [])]
  await succeed("npm", ["install", ...flags, ...tarballs, ...others], { cwd: folder })
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

/** The packages in the lock file of a project, by name. */
export const resolved = (folder: string): ReadonlyArray<string> => {
  const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, object>>
  }
  return Object.keys(lock.packages)
    .filter((path) => path !== "")
    .map((path) => path.replace(/^.*node_modules\//, ""))
    .toSorted()
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
