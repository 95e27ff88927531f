/** The results of a run as text for a terminal. */
import {
  type CheckResult,
  type Demand,
  type Evidence,
  isUnplayed,
  type Report,
  type ScenarioResult,
  type Verdict
} from "../run/Results.ts"
import { type Colour, harmless, type Paint, plain } from "./Paint.ts"

const indent = (title: string, texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  (texts.length === 0 ? ["nothing"] : texts)
    .flatMap((text) => harmless(text).split("\n"))
    .map((text, index) => `      ${(index === 0 ? title : "").padEnd(8)}${text}`)

const exchanged = (found: Evidence): ReadonlyArray<string> => [
  ...indent("sent", found.sent),
  ...indent("came", found.came),
  ...indent("wanted", [found.wanted === "" ? "see above" : found.wanted])
]

/** The largest number of requirements that are printed for a failure. */
const mostDemands = 3

const named = ({ requirements }: CheckResult, reason: string): ReadonlyArray<Demand> => {
  const words = new Set(reason.split(/[^\p{L}\p{N}_-]+/u))
  return requirements.filter(({ field }) => field !== undefined && words.has(field))
}

/** The requirements that a failure violates: those of the fields in its reason, or else the first of the check. */
export const demandsAbout = (check: CheckResult, reason: string): ReadonlyArray<Demand> => {
  const about = named(check, reason)
  return (about.length > 0 ? about : check.requirements).slice(0, mostDemands)
}

const demandsIn = (check: CheckResult, { reason }: Evidence): ReadonlyArray<string> => {
  const shown = demandsAbout(check, reason)
  const more = check.requirements.length - shown.length
  return [
    ...shown.map(({ id, level, section, description }) => `${level} ${description} (${id}, ${section})`),
    ...(more === 0 || named(check, reason).length > 0 ? [] : [`and ${more} more, see explain`])
  ]
}

const evidence = (check: CheckResult, found: Evidence): ReadonlyArray<string> => {
  const step = found.step > 0 ? `step ${found.step}, ` : ""
  const who = found.actor === "" ? "" : `${found.actor}: `
  const demands = check.verdict === "not-testable" ? [] : demandsIn(check, found)
  return [
    `      ${step}${harmless(`${who}${found.reason}`)}`,
    ...(check.verdict === "not-testable" ? [] : exchanged(found)),
    ...(demands.length === 0 ? [] : indent("demands", demands)),
    ...(check.verdict === "not-testable" || found.reproduce.length === 0 ? [] : indent("again", found.reproduce))
  ]
}

const colours: { readonly [verdict in Verdict]: Colour } = {
  pass: "green",
  "pass-lenient": "yellow",
  warn: "yellow",
  fail: "red",
  "not-testable": "red",
  "not-applicable": "grey",
  error: "red"
}

const checkLines = (check: CheckResult, paint: Paint): ReadonlyArray<string> => {
  const { id, verdict, expected, readings, evidence: found } = check
  if (expected !== undefined) return [`    ${paint("grey", "expected")}  ${harmless(`${id}: ${expected}`)}`]
  const where = found?.source === undefined ? "" : `  [${found.source.doc}: ${found.source.section}]`
  const read = readings === undefined ? "" : `  tolerated: ${readings.join(", ")}`
  return [
    `    ${paint(colours[verdict], verdict)}  ${harmless(`${id}${where}${read}`)}`,
    ...(found === undefined ? [] : evidence(check, found))
  ]
}

const marks: { readonly [verdict in Verdict]: string } = {
  pass: "ok  ",
  "pass-lenient": "ok~ ",
  warn: "warn",
  fail: "FAIL",
  "not-testable": "n/t ",
  "not-applicable": "n/a ",
  error: "ERR "
}

/** One line for a scenario, followed by its checks that did not pass or passed leniently. */
export const lines = (result: ScenarioResult, paint: Paint = plain): ReadonlyArray<string> => {
  const good = result.checks.filter(({ verdict }) => verdict === "pass" || verdict === "pass-lenient").length
  const counted = result.checks.length === 0 ? "" : `  ${good}/${result.checks.length}`
  const mark = paint(colours[result.verdict], marks[result.verdict])
  return [
    `${mark}  ${harmless(`${result.id}${counted}  ${Math.round(result.milliseconds)} ms  ${result.title}`)}`,
    ...(result.reason === undefined ? [] : [`    ${harmless(result.reason)}`]),
    ...(isUnplayed(result) ? [] : result.checks)
      .filter(({ verdict }) => verdict !== "pass" && verdict !== "not-applicable")
      .flatMap((check) => checkLines(check, paint))
  ]
}

const amount = (count: number, what: string): ReadonlyArray<string> => (count === 0 ? [] : [`${count} ${what}`])

const scenarios = (count: number, state: string): ReadonlyArray<string> =>
  amount(count, `${count === 1 ? "scenario" : "scenarios"} ${state}`)

/** The last lines of a run: stale expected failures and the counts. */
export const summary = (report: Report): string => {
  const wires = report.transport === "http" ? "" : `, ${report.wire}`
  const counts = [
    `${report.passed} passed`,
    ...amount(report.lenient, "passed as tolerated"),
    ...amount(report.warned, "warned"),
    `${report.failed} failed`,
    `${report.notTestable} not testable`,
    ...amount(report.expected, "failed as expected"),
    ...amount(report.stale, "stale expectations"),
    ...scenarios(report.scenarios.filter(isUnplayed).length, "not run"),
    ...scenarios(report.notApplicable, "not applicable"),
    ...amount(report.errors, "faults of the kit")
  ]
  return [
    ...report.staleEntries.map(({ check, why }) =>
      harmless(`stale   ${check}: ${why}; remove it from the expected failures`)
    ),
    `${report.protocol} over ${report.transport}${wires} (profile ${report.profile}${report.strict ? ", strict" : ""}): ${counts.join(", ")}`
  ].join("\n")
}
