/** Compiles the declarations of all packages, without checking them: `pnpm run types` does that. */
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DECLARATIONS, declarationsOf, packages, ROOT } from "./Entries.ts"

/** Writes the declarations; returns the configuration for a program of them. */
export const compile = (): string => {
  rmSync(DECLARATIONS, { recursive: true, force: true })
  mkdirSync(DECLARATIONS, { recursive: true })
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc")
  const project = join(ROOT, "tools/api/tsconfig.declarations.json")
  execFileSync(process.execPath, [tsc, "-p", project, "--outDir", DECLARATIONS], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const entries = packages.flatMap(({ entries }) => entries)
  const configuration = join(DECLARATIONS, "tsconfig.json")
  const compilerOptions = {
    module: "nodenext",
    target: "es2023",
    lib: ["es2024", "esnext.disposable", "dom"],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
    // Declarations refer to `./Chat.ts`, which is compiled to `./Chat.d.ts`.
    allowImportingTsExtensions: true,
    paths: Object.fromEntries(entries.map(({ specifier, source }) => [specifier, [declarationsOf(source)]]))
  }
  const files = entries.map(({ source }) => declarationsOf(source))
  writeFileSync(configuration, JSON.stringify({ compilerOptions, files }))
  return configuration
}
