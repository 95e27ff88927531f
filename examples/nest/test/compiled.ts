/** Compiles the example, whose decorators Node does not run. Types are checked by `npx pnpm run types`. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Returns the program, in a folder of this name. */
export const compiled = (folder: string): URL => {
  const tsc = path("../../../node_modules/typescript/bin/tsc")
  const flags = ["--noCheck", "--noResolve", "--composite", "false", "--outDir", path(`../dist/${folder}`)]
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", path(".."), ...flags], { encoding: "utf8" })
  if (status !== 0) throw new Error(stdout)
  return new URL(`../dist/${folder}/main.js`, import.meta.url)
}
