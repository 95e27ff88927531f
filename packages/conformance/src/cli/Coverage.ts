/** The command `coverage`: how much of the documents a check covers, or covered in a run. */
import { resolve } from "node:path"
import { BadOptions } from "../run/plan.ts"
import { readResults } from "../report/Reports.ts"
import { type Coverage, coverageOf, type Tally } from "../requirements/RequirementCoverage.ts"
import { documents } from "../requirements/Requirements.ts"
import { isUnplayed } from "../run/Results.ts"
import type { Command } from "./Host.ts"

const some = (list: ReadonlyArray<unknown>, what: string): string =>
  list.length === 0 ? "" : `, ${list.length} ${what}`

const row = (what: string, { total, covered, excluded, withoutMutant, open, percent }: Tally): string =>
  `  ${what.padEnd(13)} ${`${covered}/${total - excluded.length}`.padStart(9)} ${`${percent} %`.padStart(7)}` +
  some(open, "not covered") +
  some(withoutMutant, "without mutant") +
  some(excluded, "excluded")

const tallies = (found: Coverage): ReadonlyArray<readonly [string, Tally]> => [
  ["operations", found.operations],
  ["fields", found.fields],
  ["errors", found.errors],
  ["requirements", found.requirements],
  ...Object.entries(found.levels)
]

/** The checks that have a verdict in a results file. */
const played = (file: string): ReadonlySet<string> => {
  const scenarios = readResults(file).reports.flatMap((report) => report.scenarios)
  const checks = scenarios.flatMap((one) => (isUnplayed(one) ? [] : one.checks))
  return new Set(checks.flatMap(({ id, verdict }) => (verdict === "not-applicable" ? [] : [id])))
}

export const coverage: Command = {
  name: "coverage",
  operands: "[results.json]",
  summary: "count the requirements of which a check detects the violation; with results, those that the run judged",
  flags: ["protocol", "json"],
  count: [0, 1],
  run: (flags, host) => {
    const named = flags.texts("protocol").flatMap((text) => text.split(","))
    const wrong = named.find((name) => !documents.some((one) => one === name))
    if (wrong !== undefined)
      throw new BadOptions({ message: `--protocol must be one of ${documents.join(", ")}, not ${wrong}` })
    const [file] = flags.operands
    const judged = file === undefined ? undefined : played(resolve(host.folder, file))
    const chosen = named.length === 0 ? documents : named
    const found = chosen.map((name) =>
      coverageOf(name, judged === undefined ? undefined : (check) => judged.has(check))
    )
    if (flags.on("json")) {
      host.out(JSON.stringify(found, undefined, 2))
      return 0
    }
    for (const one of found) {
      host.out(host.paint("bold", one.protocol))
      for (const [what, tally] of tallies(one)) host.out(row(what, tally))
      const { excluded, withoutMutant, open } = one.requirements
      for (const { id, reason } of excluded) host.out(`  excluded ${id}: ${reason}`)
      for (const { id, reason } of withoutMutant) host.out(`  without mutant ${id}: ${reason}`)
      for (const id of judged === undefined ? open : []) host.out(`  not covered ${id}`)
    }
    return 0
  }
}
