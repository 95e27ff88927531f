/**
 * `node packages/conformance/scripts/bundle.ts`: writes the program and the entries without types of Effect as files that
 * need no other package than `ws`, into `bundle/`. It runs before the package is packed.
 */
import { rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("..", import.meta.url))

/** The oldest Node on which the bundle runs. */
export const oldest = "node20"

if (import.meta.main) {
  rmSync(`${root}/bundle`, { recursive: true, force: true })
  await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts", "src/index.ts", "src/vitest.ts"],
    outdir: "bundle",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: oldest,
    external: ["ws", "vitest"],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning"
  })
}
