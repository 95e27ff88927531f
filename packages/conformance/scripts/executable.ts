/**
 * `node packages/conformance/scripts/executable.ts [file]`: writes the program with Node and all of its files as a single
 * executable for this platform, by default `parley-conformance` in the current folder. It needs Node 25.5 or newer.
 */
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("..", import.meta.url))

/** The files that the program reads, by their paths in the package. */
const assets = (): { readonly [name: string]: string } =>
  Object.fromEntries(
    ["protocols", "requirements"]
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
      )
      .filter((name) => /\.(scenario|txt)$/.test(name))
      .concat("package.json")
      .map((name) => [name.replaceAll("\\", "/"), join(root, name)])
  )

/** Writes the executable. Rejects if this Node cannot build one. */
export const writeExecutable = async (file: string): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "parley-executable-"))
  try {
    const main = join(folder, "main.mjs")
    await build({
      absWorkingDir: root,
      entryPoints: ["src/main.ts"],
      outfile: main,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node26",
      // `ws` is written for CommonJS.
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(process.execPath);' },
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: "none",
      logLevel: "warning"
    })
    const config = join(folder, "sea.json")
    const settings = { main, mainFormat: "module", output: file, disableExperimentalSEAWarning: true, assets: assets() }
    writeFileSync(config, JSON.stringify(settings))
    execFileSync(process.execPath, ["--build-sea", config], { stdio: ["ignore", "ignore", "pipe"] })
    chmodSync(file, 0o755)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await writeExecutable(resolve(process.argv[2] ?? "parley-conformance"))
