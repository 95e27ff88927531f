/** Everything that an installation brings, by the lock file: nothing is installed that Parley does not use. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { assert, it } from "vitest"
import { ROOT } from "../src/Workspace.ts"

type Versions = Readonly<Record<string, string>>

interface Lock {
  readonly importers: Readonly<
    Record<string, { readonly dependencies?: Readonly<Record<string, { readonly version: string }>> }>
  >
  /** Dependencies of a package, with its resolved peers. */
  readonly snapshots: Readonly<
    Record<string, { readonly dependencies?: Versions; readonly optionalDependencies?: Versions }>
  >
}

const { importers, snapshots } = parse(readFileSync(join(ROOT, "pnpm-lock.yaml"), "utf8")) as Lock

/** Adds a package of the registry, and all that it needs. */
const addPackage = (name: string, version: string, names: Set<string>): void => {
  if (names.has(name)) return
  names.add(name)
  const snapshot = snapshots[`${name}@${version}`]
  if (snapshot === undefined) throw new Error(`the lock file has no ${name}@${version}`)
  for (const [needed, of] of Object.entries({ ...snapshot.dependencies, ...snapshot.optionalDependencies })) {
    addPackage(needed, of, names)
  }
}

const addOurs = (folder: string, names: Set<string>): void => {
  for (const [name, { version }] of Object.entries(importers[`packages/${folder}`]?.dependencies ?? {})) {
    if (version.startsWith("link:../")) addOurs(version.slice("link:../".length), names)
    else addPackage(name, version, names)
  }
}

/** The packages of the registry that come with these packages of ours; `effect` is their peer. */
const installedWith = (...folders: ReadonlyArray<string>): ReadonlyArray<string> => {
  const names = new Set(["effect"])
  for (const folder of folders) addOurs(folder, names)
  return [...names].toSorted()
}

it("an embedded server brings sockets, protocol buffers and effect", () => {
  assert.deepEqual(installedWith("adapter-node", "adapter-memory", "adapter-sql", "dialects"), [
    "@effect/platform-node-shared",
    "@types/node",
    "@types/ws",
    "effect",
    "long",
    "protobufjs",
    "re2js",
    "undici-types",
    "ws"
  ])
})

it("the engine brings effect, and the client nothing", () => {
  assert.deepEqual(installedWith("core", "adapter-memory", "adapter-sql"), ["effect"])
  const names = new Set<string>()
  addOurs("client", names)
  assert.deepEqual([...names], [])
})

it("the server brings no client of a service that it does not use", () => {
  const names = installedWith("server")
  assert.isAtMost(names.length, 22)
  assert.deepEqual(
    names.filter((name) => /redis|mysql|mssql|undici$|testcontainers/.test(name)),
    []
  )
})
