/** What a run found, and how a person reads it. */
import type { Profile, Source, Transport } from "./Scenario.ts"

/**
 * `not-testable` is red: an earlier step took away what the check needs. `not-applicable` is grey: the scenario is not
 * for this transport or profile.
 */
export type Verdict = "pass" | "fail" | "not-testable"

export interface Evidence {
  /** Position of the step in its scenario, from 1; 0 for what belongs to no step. */
  readonly step: number
  readonly actor: string
  readonly source: Source | undefined
  readonly reason: string
  /** What the actor sent last, oldest first. */
  readonly sent: ReadonlyArray<string>
  /** What came to the actor since, oldest first. */
  readonly came: ReadonlyArray<string>
  /** What would have passed. */
  readonly wanted: string
}

export interface CheckResult {
  /** `<scenario>#<check>`. */
  readonly id: string
  readonly verdict: Verdict
  readonly evidence?: Evidence
}

export interface Exchange {
  readonly actor: string
  readonly direction: "sent" | "came"
  readonly text: string
}

export interface ScenarioResult {
  readonly id: string
  readonly title: string
  /** `error`: the kit itself failed, which says nothing of the server. */
  readonly verdict: "pass" | "fail" | "error" | "not-applicable"
  readonly checks: ReadonlyArray<CheckResult>
  readonly milliseconds: number
  /** Everything that went over the wire, cut to a readable length. */
  readonly exchanges: ReadonlyArray<Exchange>
  /** Why the kit failed, for `error`. */
  readonly fault?: string
}

export interface Report {
  readonly schemaVersion: 1
  readonly protocol: string
  readonly transport: Transport
  readonly profile: Profile
  readonly scenarios: ReadonlyArray<ScenarioResult>
  readonly passed: number
  readonly failed: number
  readonly notTestable: number
  readonly notApplicable: number
  readonly errors: number
}

/** Counts checks by verdict; not-applicable and errors count scenarios. */
export const report = (
  protocol: string,
  transport: Transport,
  profile: Profile,
  scenarios: ReadonlyArray<ScenarioResult>
): Report => {
  const checks = scenarios.flatMap((scenario) => scenario.checks)
  const of = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length
  return {
    schemaVersion: 1,
    protocol,
    transport,
    profile,
    scenarios,
    passed: of("pass"),
    failed: of("fail"),
    notTestable: of("not-testable"),
    notApplicable: scenarios.filter((scenario) => scenario.verdict === "not-applicable").length,
    errors: scenarios.filter((scenario) => scenario.verdict === "error").length
  }
}

/** 0 conforms, 1 does not, 4 the kit failed. (2 and 3, usage and an unreachable server, come before there is a report.) */
export const exitCode = (result: Report): 0 | 1 | 4 =>
  result.errors > 0 ? 4 : result.failed + result.notTestable > 0 ? 1 : 0

const indent = (title: string, texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.length === 0
    ? [`      ${title.padEnd(8)}nothing`]
    : texts.map((text, index) => `      ${(index === 0 ? title : "").padEnd(8)}${text}`)

const evidence = (check: CheckResult): ReadonlyArray<string> => {
  const found = check.evidence
  if (found === undefined) return [`    ${check.verdict}  ${check.id}`]
  const where = found.source === undefined ? "" : `  [${found.source.doc}: ${found.source.section}]`
  const step = found.step > 0 ? `step ${found.step}, ${found.actor}: ` : found.actor === "" ? "" : `${found.actor}: `
  return [
    `    ${check.verdict}  ${check.id}${where}`,
    `      ${step}${found.reason}`,
    ...(check.verdict === "fail"
      ? [...indent("sent", found.sent), ...indent("came", found.came), ...indent("wanted", [found.wanted])]
      : [])
  ]
}

const marks = { pass: "ok  ", fail: "FAIL", error: "ERR ", "not-applicable": "n/a " } as const

/** One line for a scenario; below it, whatever did not pass. */
export const lines = (result: ScenarioResult): ReadonlyArray<string> => {
  const good = result.checks.filter((check) => check.verdict === "pass").length
  const counted = result.checks.length === 0 ? "" : `  ${good}/${result.checks.length}`
  return [
    `${marks[result.verdict]}  ${result.id}${counted}  ${Math.round(result.milliseconds)} ms  ${result.title}`,
    ...(result.fault === undefined ? [] : [`    the kit failed: ${result.fault}`]),
    ...result.checks.filter((check) => check.verdict !== "pass").flatMap(evidence)
  ]
}

/** The last line of a run. */
export const summary = (result: Report): string =>
  `${result.protocol} over ${result.transport} (${result.profile}): ${result.passed} passed, ${result.failed} failed, ` +
  `${result.notTestable} not testable, ${result.notApplicable} scenarios not applicable` +
  (result.errors > 0 ? `, ${result.errors} errors of the kit` : "")
