/** JUnit XML: a test suite for each scenario, a test case for each check. */
import { type CheckResult, isUnplayed, type Report, type Results, type ScenarioResult } from "../run/Results.ts"
import { lines } from "./Text.ts"

/** Characters that XML 1.0 has no way to write or discourages: the C1 controls, which terminals act on. */
const unwritable = /[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

export const escapeXml = (text: string): string =>
  text
    .replaceAll(unwritable, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#13;")

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3)

const outcome = (scenario: ScenarioResult, check: CheckResult): string => {
  const reason = check.expected ?? check.evidence?.reason ?? ""
  if (isUnplayed(scenario)) return `<skipped message="${escapeXml(reason)}"/>`
  const whole = lines({ ...scenario, checks: [check] })
    .slice(1)
    .join("\n")
  switch (check.expected === undefined ? check.verdict : "not-applicable") {
    case "fail":
    case "not-testable":
      return `<failure type="${check.verdict}" message="${escapeXml(reason)}">${escapeXml(whole)}</failure>`
    case "not-applicable":
      return `<skipped message="${escapeXml(reason)}"/>`
    case "warn":
      return `<system-out>${escapeXml(whole)}</system-out>`
    default:
      return ""
  }
}

const suite = (report: Report, scenario: ScenarioResult): string => {
  const { checks, id } = scenario
  const unplayed = isUnplayed(scenario)
  const of = (...verdicts: ReadonlyArray<string>) =>
    checks.filter(({ verdict, expected }) => expected === undefined && verdicts.includes(verdict)).length
  const failures = unplayed ? 0 : of("fail", "not-testable")
  const skipped =
    of("not-applicable", ...(unplayed ? ["not-testable"] : [])) +
    checks.filter(({ expected }) => expected !== undefined).length
  const name = `${report.protocol} ${report.transport} ${report.wire}`
  const extra =
    scenario.verdict === "error"
      ? [
          `<testcase classname="${escapeXml(id)}" name="kit" time="0"><error message="${escapeXml(scenario.reason ?? "")}"/></testcase>`
        ]
      : scenario.verdict === "not-applicable" && checks.length === 0
        ? [
            `<testcase classname="${escapeXml(id)}" name="scenario" time="0"><skipped message="${escapeXml(scenario.reason ?? "")}"/></testcase>`
          ]
        : []
  const cases = checks.map((check, index) => {
    const time = index === 0 ? seconds(scenario.milliseconds) : "0"
    const head = `<testcase classname="${escapeXml(id)}" name="${escapeXml(check.id.slice(id.length + 1))}" time="${time}"`
    const inner = outcome(scenario, check)
    return inner === "" ? `${head}/>` : `${head}>${inner}</testcase>`
  })
  const all = [...cases, ...extra]
  const errors = scenario.verdict === "error" ? 1 : 0
  const grey = extra.length - errors
  return [
    `  <testsuite name="${escapeXml(`${name}: ${id}`)}" tests="${all.length}" failures="${failures}" errors="${errors}" skipped="${skipped + grey}" time="${seconds(scenario.milliseconds)}" timestamp="${report.started}">`,
    ...all.map((line) => `    ${line}`),
    "  </testsuite>"
  ].join("\n")
}

/** Reports an incomplete run as an error, since scenarios that were not run have not failed. */
const unplayed = (report: Report): ReadonlyArray<string> => {
  const missing = report.scenarios.filter(isUnplayed)
  if (missing.length === 0) return []
  const reasons = [...new Set(missing.map(({ reason = "" }) => reason))].join("; ")
  return [
    `  <testsuite name="${report.protocol}: not played" tests="1" failures="0" errors="1" skipped="0" time="0" timestamp="${report.started}">`,
    `    <testcase classname="not played" name="${missing.length} scenarios" time="0"><error type="not-played" message="${escapeXml(reasons)}"/></testcase>`,
    "  </testsuite>"
  ]
}

/** Reports stale entries of the file of expected failures as failures. */
const stale = (report: Report): ReadonlyArray<string> =>
  report.staleEntries.length === 0
    ? []
    : [
        `  <testsuite name="${report.protocol}: expected failures" tests="${report.stale}" failures="${report.stale}" errors="0" skipped="0" time="0" timestamp="${report.started}">`,
        ...report.staleEntries.map(
          ({ check, why }) =>
            `    <testcase classname="expected failures" name="${escapeXml(check)}" time="0"><failure type="stale" message="${escapeXml(why)}"/></testcase>`
        ),
        "  </testsuite>"
      ]

export const junit = ({ reports }: Results): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="conformance">',
    ...reports.flatMap((report) => [
      ...report.scenarios.map((one) => suite(report, one)),
      ...unplayed(report),
      ...stale(report)
    ]),
    "</testsuites>",
    ""
  ].join("\n")
