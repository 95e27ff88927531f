/**
 * The folder of this package: the nearest one above with a manifest, in the sources as in the compiled files. A single
 * executable has the files as assets, and writes them into a temporary folder, which it removes when it ends.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const find = (folder: string): string => {
  const above = dirname(folder)
  return existsSync(`${folder}/package.json`) || above === folder ? folder : find(above)
}

/** `node:sea`, which Node 20.0 does not have. */
const sea = process.getBuiltinModule?.("node:sea")

const unpack = (assets: NonNullable<typeof sea>): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-conformance-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  for (const name of assets.getAssetKeys()) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, assets.getAsset(name, "utf8"))
  }
  return folder
}

const root = sea?.isSea() === true ? unpack(sea) : find(dirname(fileURLToPath(import.meta.url)))

/** The path of a file or folder of the package. */
export const inPackage = (path: string): string => `${root}/${path}`
