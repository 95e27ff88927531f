/** Packs all packages as the registry would get them. */
import { mkdirSync, readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { succeed } from "./Processes.ts"
import { packages, ROOT, root } from "./Workspace.ts"

/** Packs the built packages into this folder; returns the tarball of each package by its name. */
export const pack = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  mkdirSync(folder, { recursive: true })
  const command = ["--yes", root.packageManager, "--recursive", "--filter", "./packages/*", "pack"]
  await succeed("npx", [...command, "--pack-destination", resolve(folder)], { cwd: ROOT })
  const tarballs = readdirSync(folder)
  return new Map(
    packages.map(({ name, manifest }) => {
      const file = `${name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`
      if (!tarballs.includes(file))
        throw new Error(`${name} was not packed as ${file}; there are ${tarballs.join(", ")}`)
      return [name, join(folder, file)]
    })
  )
}
