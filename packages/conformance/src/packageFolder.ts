/** The folder of this package: the nearest one above with a manifest, in the sources as in the compiled files. */
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"

const find = (folder: string): string => {
  const above = dirname(folder)
  return existsSync(`${folder}/package.json`) || above === folder ? folder : find(above)
}

const root = find(dirname(fileURLToPath(import.meta.url)))

/** The path of a file or folder of the package. */
export const inPackage = (path: string): string => `${root}/${path}`
