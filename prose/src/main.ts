/**
 * Finds habits of prose that the house avoids: `node prose/src/main.ts [--count] [path …]`. Without paths it reads every
 * tracked file. Exits with 1 when it finds any.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { checkFile } from "./File.ts"

const args = process.argv.slice(2)
const count = args.includes("--count")
const paths = args.filter((argument) => !argument.startsWith("--"))

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ...paths], {
  encoding: "utf8"
})
  .split("\0")
  .filter((path) => /\.(?:ts|mjs|js|md)$/.test(path) && !path.includes("zh-CN"))
  // The rules quote the habits themselves.
  .filter((path) => !path.startsWith("prose/"))

if (files.length === 0) {
  console.error(`No .ts, .mjs, .js or .md file is tracked under ${paths.join(", ")}.`)
  process.exit(2)
}

const findings = files.flatMap((path) =>
  checkFile(path, readFileSync(path, "utf8")).map((finding) => ({ path, ...finding }))
)

/** Returns the folder of a package with its part: `packages/core/src`, `docs`. */
const partOf = (path: string): string => /^(?:packages|examples)\/[^/]+\/[^/]+|^[^/]+/.exec(path)?.[0] ?? path

if (count) {
  const columns = [...new Set(findings.map(({ rule }) => rule))].sort()
  const parts = Map.groupBy(findings, ({ path }) => partOf(path))
  const row = (name: string, cells: ReadonlyArray<number | string>): void =>
    console.log([name.padEnd(36), ...cells.map((cell) => String(cell).padStart(13))].join(""))
  row("", [...columns, "all"])
  for (const [part, own] of [...parts].sort(([a], [b]) => a.localeCompare(b)).concat([["all", findings]])) {
    row(part, [...columns.map((column) => own.filter(({ rule }) => rule === column).length), own.length])
  }
} else {
  for (const { path, line, rule, match, instead } of findings) {
    console.log(`${path}:${line}: ${rule}: ${JSON.stringify(match)}. ${instead}`)
  }
}
console.log(`${findings.length} found in ${files.length} files.`)
process.exitCode = findings.length > 0 ? 1 : 0
