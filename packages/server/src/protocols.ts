/** Loads the served protocols: each folder of `@parley/dialects` with an index is one, so a new one needs no registration. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { ServedDialect } from "@parley/adapter-node/serve"
import * as Data from "effect/Data"

export type { ServedDialect } from "@parley/adapter-node/serve"

interface Manifest {
  readonly exports: { readonly "./*": string }
}

/** Returns the path of the index module in this folder, if there is one. */
const indexIn = (folder: string): string | undefined =>
  ["index.ts", "index.js"].map((file) => resolve(folder, file)).find((file) => existsSync(file))

/** Returns the names of all protocols, in alphabetical order. */
const names = (): ReadonlyArray<string> => {
  const manifest = createRequire(import.meta.url).resolve("@parley/dialects/package.json")
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest
  const [folder = ""] = exports["./*"].split("*")
  const root = join(dirname(manifest), folder)
  return readdirSync(root)
    .filter((name) => indexIn(join(root, name)) !== undefined)
    .sort()
}

/** A requested protocol cannot be loaded; `message` is one line. */
export class NoSuchDialect extends Data.TaggedError("NoSuchDialect")<{ readonly message: string }> {}

/**
 * Loads all protocols, or those of the comma-separated `list`. An entry that is an absolute path or begins with `.` is the
 * folder of a protocol outside `@parley/dialects`, with an `index.ts` or `index.js`.
 */
export const loadDialects = async (list?: string): Promise<ReadonlyArray<ServedDialect>> => {
  const known = names()
  const listed = (list ?? "").split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]))
  return Promise.all((listed.length === 0 ? known : listed).map((name) => load(name, known)))
}

const load = async (name: string, known: ReadonlyArray<string>): Promise<ServedDialect> => {
  const isFolder = name.startsWith(".") || isAbsolute(name)
  if (!isFolder && !known.includes(name)) {
    throw new NoSuchDialect({ message: `there is no protocol ${name}; there are ${known.join(", ")}` })
  }
  const { dialect } = (await import(isFolder ? indexOf(name) : `@parley/dialects/${name}`)) as {
    readonly dialect?: ServedDialect
  }
  if (dialect === undefined) throw new NoSuchDialect({ message: `${name} exports no dialect` })
  return dialect
}

const indexOf = (folder: string): string => {
  const index = indexIn(folder)
  if (index === undefined) throw new NoSuchDialect({ message: `${folder} has no index.ts or index.js` })
  return pathToFileURL(index).href
}
