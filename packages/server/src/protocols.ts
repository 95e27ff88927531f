/**
 * The protocols that are served: every folder of `@parley/dialects` is one, found by its name. A new protocol is a new
 * folder there, and nothing here knows of it.
 */
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

/** The module of the protocol in this folder, if there is one. */
const indexIn = (folder: string): string | undefined =>
  ["index.ts", "index.js"].map((file) => resolve(folder, file)).find((file) => existsSync(file))

/** The names of all protocols, in alphabetical order. */
const names = (): ReadonlyArray<string> => {
  const manifest = createRequire(import.meta.url).resolve("@parley/dialects/package.json")
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest
  const [folder = ""] = exports["./*"].split("*")
  const root = join(dirname(manifest), folder)
  return readdirSync(root)
    .filter((name) => indexIn(join(root, name)) !== undefined)
    .sort()
}

/** A protocol that was asked for cannot be loaded; `message` is one line. */
export class NoSuchDialect extends Data.TaggedError("NoSuchDialect")<{ readonly message: string }> {}

/**
 * The protocols to serve: all there are, or those that `wanted` lists, separated by commas. What begins with `.` or `/` is
 * the folder of a protocol of one's own, with an `index.ts` or `index.js`.
 */
export const loadDialects = async (wanted?: string): Promise<ReadonlyArray<ServedDialect>> => {
  const known = names()
  const listed = (wanted ?? "").split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]))
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
  if (index === undefined) throw new NoSuchDialect({ message: `${folder} holds no index.ts or index.js` })
  return pathToFileURL(index).href
}
