/**
 * The program `parley` as a bundle for tests that start it: it needs half the CPU time of the sources to start.
 * The modules and their relative paths are as in the published packages.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type OutputFile, stop } from "esbuild"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const CACHE = join(ROOT, "node_modules/.cache/parley-server")
const DIALECTS = "node_modules/@parley/dialects"

/** Milliseconds after which the bundle of other sources is removed. */
const MAX_AGE = 24 * 3_600_000

/** Programs and modules that are loaded by their path, by the path in the bundle without its extension. */
const entries = (): Record<string, string> => {
  const folder = "packages/dialects/src"
  const protocols = readdirSync(join(ROOT, folder)).filter((name) => existsSync(join(ROOT, folder, name, "index.ts")))
  return {
    "dist/main": "packages/server/src/main.ts",
    "dist/WriterThread": "packages/adapter-sql/src/internal/writer/WriterThread.ts",
    ...Object.fromEntries(protocols.map((name) => [`${DIALECTS}/${name}/index`, `${folder}/${name}/index.ts`]))
  }
}

/** Returns the manifests that the program reads, by their path in the bundle. */
const manifests = (): ReadonlyArray<readonly [string, string]> => [
  ["package.json", readFileSync(join(ROOT, "packages/server/package.json"), "utf8")],
  [
    `${DIALECTS}/package.json`,
    JSON.stringify({ type: "module", exports: { "./package.json": "./package.json", "./*": "./*/index.js" } })
  ]
]

const bundled = (): Promise<ReadonlyArray<OutputFile>> =>
  build({
    absWorkingDir: ROOT,
    entryPoints: entries(),
    outdir: CACHE,
    chunkNames: "dist/[name]-[hash]",
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    platform: "node",
    target: `node${process.versions.node}`,
    // Packages in CommonJS require modules of Node.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);'
    },
    logLevel: "warning"
  }).then(({ outputFiles }) => outputFiles)

const removeOld = (): void => {
  for (const name of readdirSync(CACHE)) {
    const folder = join(CACHE, name)
    const { mtimeMs = Infinity } = statSync(folder, { throwIfNoEntry: false }) ?? {}
    if (mtimeMs < Date.now() - MAX_AGE) rmSync(folder, { recursive: true, force: true })
  }
}

const write = async (): Promise<string> => {
  const outputs = (await bundled()).map(({ path, text }) => [path.slice(CACHE.length + 1), text] as const)
  await stop()
  const files = [...outputs, ...manifests()]
  const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16)
  const folder = join(CACHE, hash)
  if (!existsSync(folder)) {
    // Other workers do the same: the folder is complete when it has its name.
    const draft = `${folder}.${process.pid}`
    for (const [path, text] of files) {
      mkdirSync(dirname(join(draft, path)), { recursive: true })
      writeFileSync(join(draft, path), text)
    }
    try {
      renameSync(draft, folder)
    } catch (cause) {
      if (!existsSync(folder)) throw cause
      rmSync(draft, { recursive: true })
    }
    removeOld()
  }
  return join(folder, "dist/main.js")
}

let written: Promise<string> | undefined

/** Returns the path of the program, which is built when a worker of the tests first asks for it. */
export const serverBundle = (): Promise<string> => (written ??= write())
