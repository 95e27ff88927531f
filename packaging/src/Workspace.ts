/** The packages that are published, as this checkout has them. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const ROOT = fileURLToPath(new URL("../..", import.meta.url))

/** A subpath's file, or one for types and one for everything else; null for a subpath that is not exported. */
type Exported = string | null | { readonly types: string; readonly default: string }

/** Addresses of the project, the same in all manifests; absent while they are unknown. */
interface Addresses {
  readonly repository?: unknown
  readonly homepage?: string
  readonly bugs?: unknown
}

export interface Manifest extends Addresses {
  readonly name: string
  readonly description?: string
  readonly keywords?: ReadonlyArray<string>
  readonly license?: string
  readonly version: string
  readonly engines: { readonly node: string }
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Exported>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly publishConfig?: Partial<Pick<Manifest, "bin" | "exports">>
}

export interface Package {
  readonly name: string
  readonly folder: string
  readonly manifest: Manifest
}

export const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest

export const packages: ReadonlyArray<Package> = readdirSync(join(ROOT, "packages"))
  .map((name) => join(ROOT, "packages", name))
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map((folder) => ({ folder, manifest: manifestIn(folder), name: manifestIn(folder).name }))

/** All files below a folder, by their paths from there, with `/`. */
export const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.replaceAll("\\", "/"))
    .sort()

interface Root extends Addresses {
  readonly packageManager: string
  readonly engines: { readonly node: string }
  readonly devDependencies: Readonly<Record<string, string>>
}

export const root = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Root

/** The oldest Node that the packages promise to run on. */
export const oldestNode = root.engines.node.replace(/^>=/, "")
