/** A project outside the workspace, as a user's is. */
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { succeed } from "./Processes.ts"
import { oldestNode } from "./Workspace.ts"

const FRESH = fileURLToPath(new URL("../fresh", import.meta.url))

/**
 * Makes a project with what `fresh/` holds, and installs these tarballs, and these packages of the registry. The cache is
 * the project's own or `cache`: nothing of ours can come from anywhere else.
 */
export const freshProject = async (
  folder: string,
  { tarballs, others = [], cache }: { tarballs: Iterable<string>; others?: ReadonlyArray<string>; cache: string }
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  cpSync(FRESH, folder, { recursive: true })
  const flags = ["--no-audit", "--no-fund", "--cache", cache]
  await succeed("npm", ["install", ...flags, ...tarballs, ...others], { cwd: folder })
}

/** Installs a Node, the oldest that is supported; returns its path. It comes as a package of the registry. */
export const installOldestNode = async (folder: string, version = oldestNode): Promise<string> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }))
  // Its install script puts the binary in place.
  await succeed("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts=false", `node@${version}`], {
    cwd: folder
  })
  return join(folder, "node_modules/node/bin/node")
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
