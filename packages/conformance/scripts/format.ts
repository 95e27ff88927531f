/**
 * `node packages/conformance/scripts/format.ts`: rewrites the sources in their usual layout, except files with
 * comments.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { sourceFiles } from "./build.ts"
import { printSource } from "./sources/printSource.ts"

for (const file of sourceFiles().keys()) {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const text = readFileSync(path, "utf8")
  if (/^\s*#/m.test(text)) process.stdout.write(`${file}: has comments, left as it is\n`)
  else writeFileSync(path, printSource(file, text))
}
