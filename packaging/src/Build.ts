/**
 * Compiles all packages, each into its `dist`, which then matches the sources, whatever was there before:
 * everything is compiled again, and what has no source any more is removed.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { succeed } from "./Processes.ts"
import { filesBelow, packages, ROOT } from "./Workspace.ts"

/** The source of a compiled file, both from the package's folder. */
export const sourceOf = (file: string): string =>
  file.replace(/^dist\//, "src/").replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, ".ts")

/** A specifier of a file beside it, in a declaration. */
const RELATIVE = /((?:\bfrom|\bimport)\s*\(?\s*")(\.{1,2}\/[^"]+)\.ts"/g

/**
 * The compiler rewrites `./Chat.ts` to `./Chat.js` in code but not in declarations, where not every tool reads it. The
 * replacement is as long, so source maps stay right.
 */
const withoutSources = (declaration: string): string => declaration.replace(RELATIVE, '$1$2.js"')

/** Without `check`, code is compiled but its types are not checked. */
export const build = async ({ check = true }: { readonly check?: boolean } = {}): Promise<void> => {
  // The compiler's own notes do not show that its output was removed: `--force`.
  const flags = ["-b", "--force", ...(check ? [] : ["--noCheck"])]
  await succeed(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), ...flags], { cwd: ROOT })
  for (const { folder } of packages) {
    for (const file of filesBelow(join(folder, "dist")).map((name) => `dist/${name}`)) {
      const path = join(folder, file)
      if (!existsSync(join(folder, sourceOf(file)))) rmSync(path)
      else if (file.endsWith(".d.ts")) {
        const text = readFileSync(path, "utf8")
        const rewritten = withoutSources(text)
        if (rewritten !== text) writeFileSync(path, rewritten)
      }
    }
  }
}
