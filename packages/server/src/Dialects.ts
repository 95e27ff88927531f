/**
 * The protocols that are served: every folder of `@parley/dialects` is one, found by its name. A new protocol is a new
 * folder there, and nothing here knows of it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { HttpRoutes } from "@parley/adapter-node/HttpRoutes"
import type { Blobs } from "@parley/core/Blobs"
import type { Dialect } from "@parley/core/Dialect"
import type * as Parley from "@parley/core/Parley"
import type { Store } from "@parley/core/Store"

/** A protocol that this server can serve. */
export type ServedDialect = Dialect<HttpRoutes, Parley.Services | Store | Blobs>

interface Manifest {
  readonly exports: { readonly "./*": string }
}

/** The names of all protocols, in alphabetical order. */
const names = (): ReadonlyArray<string> => {
  const manifest = createRequire(import.meta.url).resolve("@parley/dialects/package.json")
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest
  const [folder = ""] = exports["./*"].split("*")
  return readdirSync(join(dirname(manifest), folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

/** All protocols, loaded. */
export const loadDialects = (): Promise<ReadonlyArray<ServedDialect>> =>
  Promise.all(
    names().map(async (name) => {
      const { dialect } = (await import(`@parley/dialects/${name}`)) as { readonly dialect: ServedDialect }
      return dialect
    })
  )
