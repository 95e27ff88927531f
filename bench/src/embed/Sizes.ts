/** How large the parts are: the client as browsers get it, and what an installation of the parts puts on the disk. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

const PACKAGES = fileURLToPath(new URL("../../../packages", import.meta.url))

/** Bytes of the client, bundled and minified for browsers, and of the same with gzip. */
export const clientSize = async (): Promise<{ readonly minified: number; readonly zipped: number }> => {
  const { build } = await import("esbuild")
  const { outputFiles } = await build({
    entryPoints: [join(PACKAGES, "client/src/index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error("the client could not be bundled")
  return { minified: file.contents.length, zipped: gzipSync(file.contents).length }
}

interface Manifest {
  readonly name: string
  readonly files?: ReadonlyArray<string>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest

const bytesIn = (path: string): number => {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path)
    .filter((name) => name !== "node_modules")
    .reduce((sum, name) => sum + bytesIn(join(path, name)), 0)
}

/** Folder in which a package finds another one. */
const folderOf = (from: string, name: string): string | undefined => {
  for (let at = from; ; at = dirname(at)) {
    const found = join(at, "node_modules", name)
    if (existsSync(found)) return realpathSync(found)
    if (dirname(at) === at) return undefined
  }
}

/** Folders of the packages that are installed with a package: its dependencies and its required peers. */
const closure = (folder: string, found = new Set<string>()): ReadonlySet<string> => {
  if (found.has(folder)) return found
  found.add(folder)
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifestIn(folder)
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  for (const name of [...Object.keys(dependencies), ...peers]) {
    const there = folderOf(folder, name)
    if (there !== undefined) closure(there, found)
  }
  return found
}

/** As published: of our own packages the files that they name, of others everything. */
const published = (folder: string): number => {
  const { files } = manifestIn(folder)
  if (!folder.startsWith(PACKAGES) || files === undefined) return bytesIn(folder)
  return files.reduce((sum, name) => sum + (existsSync(join(folder, name)) ? bytesIn(join(folder, name)) : 0), 0)
}

export interface InstallSize {
  readonly packages: number
  readonly bytes: number
  /** The part of it that is our own. */
  readonly own: number
}

/** Size on the disk of these of our packages with all that they need. */
export const installSize = (...names: ReadonlyArray<string>): InstallSize => {
  const folders = new Set(names.flatMap((name) => [...closure(realpathSync(join(PACKAGES, name)))]))
  const sum = (some: Iterable<string>): number => Array.from(some, published).reduce((all, one) => all + one, 0)
  return {
    packages: folders.size,
    bytes: sum(folders),
    own: sum([...folders].filter((folder) => folder.startsWith(PACKAGES)))
  }
}
