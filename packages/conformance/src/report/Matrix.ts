/** The results of several servers side by side. */
import { type CheckResult, isGeneral, type Results, type ScenarioResult, type Verdict } from "../run/Results.ts"

export interface Column {
  readonly name: string
  readonly results: Results
}

interface Named {
  readonly id: string
  readonly verdict: Verdict
}

const escaped = (text: string): string => text.replaceAll("|", "\\|")

/** The scenarios of a column; the id has the transport and wire form, if a protocol was run in several ways. */
const scenariosOf = ({ results: { reports } }: Column): ReadonlyArray<ScenarioResult> =>
  reports.flatMap(({ protocol, transport, wire, scenarios }) => {
    const isOnly = reports.filter((one) => one.protocol === protocol).length === 1
    return isOnly ? scenarios : scenarios.map((one) => ({ ...one, id: `${one.id} (${transport}, ${wire})` }))
  })

const verdictOf = ({ verdict, expected }: CheckResult): Verdict => (expected === undefined ? verdict : "pass-lenient")

const checksOf = (column: Column): ReadonlyArray<Named> =>
  scenariosOf(column).flatMap(({ checks }) =>
    checks.filter(({ id }) => !isGeneral(id)).map((check) => ({ id: check.id, verdict: verdictOf(check) }))
  )

const counted = (column: Column): string => {
  const { reports } = column.results
  const sum = (of: (report: (typeof reports)[number]) => number) => reports.reduce((all, report) => all + of(report), 0)
  const [passed, lenient] = [sum((one) => one.passed), sum((one) => one.lenient)]
  const all = passed + lenient + sum((one) => one.failed + one.warned + one.notTestable)
  return `${passed + lenient}/${all}`
}

/**
 * A Markdown table with a row for each scenario, or for each check, and a column for each server; rows on which all
 * servers agree to pass come last, as one number.
 */
export const matrix = (columns: ReadonlyArray<Column>, byCheck: boolean): string => {
  const found = columns.map((column) => {
    const named: ReadonlyArray<Named> = byCheck ? checksOf(column) : scenariosOf(column)
    return new Map(named.map(({ id, verdict }) => [id, verdict]))
  })
  const ids = [...new Set(found.flatMap((verdicts) => [...verdicts.keys()]))]
  const rows = ids.map((id) => ({ id, verdicts: found.map((verdicts) => verdicts.get(id)) }))
  const differing = rows.filter(({ verdicts }) => verdicts.some((verdict) => verdict !== "pass"))
  const row = (cells: ReadonlyArray<string>) => `| ${cells.map(escaped).join(" | ")} |`
  return [
    row([byCheck ? "check" : "scenario", ...columns.map(({ name }) => name)]),
    row(["---", ...columns.map(() => "---")]),
    row(["passed", ...columns.map(counted)]),
    ...differing.map(({ id, verdicts }) => row([`\`${id}\``, ...verdicts.map((verdict) => verdict ?? "not run")])),
    "",
    `${rows.length - differing.length} more pass everywhere.`,
    ""
  ].join("\n")
}
