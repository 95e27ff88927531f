/**
 * `node packages/conformance/scripts/build.ts`: writes the scenarios and requirements as JSON into `json/`, for readers in
 * other languages. It runs before the package is packed; nothing in this repository reads that folder.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Json } from "../src/Json.ts"
import { readMutants } from "../src/sources/MutantTable.ts"
import { readReadings, readRequirements } from "../src/sources/RequirementTable.ts"
import { readRules } from "../src/sources/RuleTable.ts"
import { readProtocolText, readScenarioText } from "../src/sources/ScenarioText.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

/** The source files, by their paths from the package's folder, each with the function that reads it. */
export const sourceFiles = (): ReadonlyMap<string, (text: string) => Json> => {
  const protocols = readdirSync(join(root, "protocols"), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const scenarios = protocols.flatMap(({ name }) =>
    readdirSync(join(root, "protocols", name))
      .filter((file) => file.endsWith(".scenario"))
      .map((file) => {
        const read = file === "protocol.scenario" ? readProtocolText : readScenarioText
        return [`protocols/${name}/${file}`, read] as const
      })
  )
  const tables = protocols.map(
    ({ name }) => [`requirements/${name}.txt`, (text: string) => readRequirements(text).document] as const
  )
  return new Map([
    ...scenarios,
    ...tables,
    ["requirements/readings.txt", readReadings] as const,
    ["requirements/rules.txt", readRules] as const,
    ["requirements/mutants.txt", readMutants] as const
  ])
}

/** The built files by their paths in `json/`. Throws `SyntaxError` for a malformed source. */
export const builtFiles = (): ReadonlyMap<string, Json> =>
  new Map(
    Array.from(sourceFiles(), ([file, read]) => [
      file.replace(/\.(scenario|txt)$/, ".json"),
      read(readFileSync(join(root, file), "utf8"))
    ])
  )

if (import.meta.main) {
  const folder = join(root, "json")
  rmSync(folder, { recursive: true, force: true })
  for (const [name, value] of builtFiles()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), `${JSON.stringify(value)}\n`)
  }
}
