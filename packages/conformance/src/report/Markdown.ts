/** Markdown for a job summary: the counts, and the checks that did not pass. */
import { type CheckResult, isUnplayed, type Report, type Results } from "../run/Results.ts"
import { verdictOf } from "./Badge.ts"
import { harmless } from "./Paint.ts"

const cell = (text: string): string =>
  harmless(text.replaceAll(/\s+/g, " "))
    .replaceAll(/[\\|<>`*_[\]]/g, String.raw`\$&`)
    .slice(0, 400)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => [
  `| ${head.join(" | ")} |`,
  `| ${head.map(() => "---").join(" | ")} |`,
  ...rows.map((row) => `| ${row.join(" | ")} |`)
]

const how = ({ transport, wire }: Report): string => (transport === "http" ? "http" : `${transport}, ${wire}`)

const notable = (report: Report): ReadonlyArray<CheckResult> =>
  report.scenarios.flatMap((scenario) =>
    (isUnplayed(scenario) ? [] : scenario.checks).filter(
      ({ verdict, expected }) => expected === undefined && !["pass", "not-applicable"].includes(verdict)
    )
  )

const section = (report: Report): ReadonlyArray<string> => {
  const found = notable(report)
  const rows = found.map((check) => [
    check.verdict,
    cell(check.id),
    check.level,
    cell(check.evidence?.source?.section ?? ""),
    cell(check.evidence?.reason ?? (check.readings ?? []).join(", "))
  ])
  const unplayed = report.scenarios
    .filter(isUnplayed)
    .map(({ id, reason }) => ["not played", cell(id), "", "", cell(reason ?? "")])
  const stale = report.staleEntries.map(({ check, why }) => ["stale", cell(check), "", "", cell(why)])
  const all = [...rows, ...unplayed, ...stale]
  if (all.length === 0) return []
  const head = ["verdict", "check", "level", "section", "why"]
  return ["", `## ${report.protocol} (${how(report)})`, "", ...table(head, all)]
}

export const markdown = ({ reports, suite }: Results): string =>
  [
    `# Conformance: ${reports.map(({ protocol }) => protocol).join(", ")}`,
    "",
    ...table(
      ["protocol", "over", "profile", "result", "passed", "tolerated", "warned", "failed", "not testable", "expected"],
      reports.map((report) => [
        report.protocol,
        how(report),
        `${report.profile}${report.strict ? ", strict" : ""}`,
        verdictOf(report),
        ...[report.passed, report.lenient, report.warned, report.failed, report.notTestable, report.expected].map(
          String
        )
      ])
    ),
    ...reports.flatMap(section),
    "",
    `${suite.name} ${suite.version}, ${reports[0]?.started ?? ""}`,
    ""
  ].join("\n")
