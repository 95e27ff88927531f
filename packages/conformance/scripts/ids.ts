/**
 * `node packages/conformance/scripts/ids.ts`: registers new ids in `requirements/ids.lock`. It never removes or revives ids:
 * it reports such faults with exit code 1.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { load } from "../src/scenarios/loadScenarios.ts"
import { type Entry, idFaults, parseIds, printIds } from "../src/requirements/RequirementIds.ts"
import { documents, readings, requirements } from "../src/requirements/Requirements.ts"
import { rules } from "../src/requirements/Rules.ts"
import { checks } from "../src/scenarios/Scenario.ts"

export const lockFile: string = fileURLToPath(new URL("../requirements/ids.lock", import.meta.url))

/** Every id in use. */
export const usedIds = (): ReadonlyArray<Entry> => [
  ...documents
    .flatMap((document) => {
      const { protocol, scenarios } = load(document)
      const ids = scenarios.flatMap((one) => [
        ...checks(one, "documented", protocol),
        ...checks(one, "client-1.0", protocol)
      ])
      return [...new Set(ids)]
    })
    .map((id) => ({ kind: "check", id }) as const),
  ...readings().map(({ id }) => ({ kind: "reading", id }) as const),
  ...documents.flatMap(requirements).map(({ id }) => ({ kind: "requirement", id }) as const),
  ...rules().map(({ id }) => ({ kind: "rule", id }) as const)
]

if (import.meta.main) {
  const locked = existsSync(lockFile) ? parseIds(readFileSync(lockFile, "utf8")) : []
  const known = new Set(locked.map(({ kind, id }) => `${kind} ${id}`))
  const added = usedIds().filter(({ kind, id }) => !known.has(`${kind} ${id}`))
  const entries = [...locked, ...added]
  writeFileSync(lockFile, printIds(entries))
  const faults = idFaults(entries, usedIds())
  process.stdout.write(`${added.length} added\n${faults.map((fault) => `${fault}\n`).join("")}`)
  if (faults.length > 0) process.exitCode = 1
}
