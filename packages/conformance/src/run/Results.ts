/** The results of a run. `schema/results.schema.json` is generated from this file and is a public interface. */
import * as Schema from "effect/Schema"
import { Level } from "../requirements/Requirements.ts"
import { generalChecks, Profile, Source, Transport, Wire } from "../scenarios/Scenario.ts"

export const Verdict = Schema.Literals([
  "pass",
  "pass-lenient",
  "warn",
  "fail",
  "not-testable",
  "not-applicable",
  "error"
])
/**
 * - `pass-lenient`: a tolerated form in place of a documented one.
 * - `warn`: a violated SHOULD or MAY; under `--strict` a lenient pass.
 * - `not-testable`, a failure: an earlier step did not give what the check needs.
 * - `not-applicable`, neutral: not for this transport, wire form or account source.
 * - `error`: a fault of the kit.
 */
export type Verdict = typeof Verdict.Type

/** A requirement that a check covers, for reports. */
export const Demand = Schema.Struct({
  id: Schema.String,
  level: Level,
  doc: Schema.String,
  section: Schema.String,
  /** In English. */
  description: Schema.String,
  /** In Chinese. */
  zh: Schema.optionalKey(Schema.String),
  /** The name of the field that it is about. */
  field: Schema.optionalKey(Schema.String)
})
export type Demand = typeof Demand.Type

export const Evidence = Schema.Struct({
  /** Position of the step in its scenario, from 1; 0 outside of any step. */
  step: Schema.Int,
  actor: Schema.String,
  source: Schema.optionalKey(Source),
  reason: Schema.String,
  /** The request of the step, or the frames that the actor sent last, oldest first. */
  sent: Schema.Array(Schema.String),
  /** Frames that the actor received since then, oldest first. */
  came: Schema.Array(Schema.String),
  /** The expected pattern. */
  wanted: Schema.String,
  /** Shell commands that reproduce it, with placeholders such as `<alice.password>` for secrets. */
  reproduce: Schema.Array(Schema.String)
})
export type Evidence = typeof Evidence.Type

/** Result of one check. */
export const CheckResult = Schema.Struct({
  /** `<scenario>#<check>`. */
  id: Schema.String,
  verdict: Verdict,
  level: Level,
  profile: Profile,
  requirements: Schema.Array(Demand),
  /** For `pass-lenient`, and for `warn` under `--strict`: the readings whose tolerated form matched. */
  readings: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The reason of the expected failure. */
  expected: Schema.optionalKey(Schema.String),
  evidence: Schema.optionalKey(Evidence)
})
export type CheckResult = typeof CheckResult.Type

export const Exchange = Schema.Struct({
  actor: Schema.String,
  direction: Schema.Literals(["sent", "came"]),
  text: Schema.String,
  /** Milliseconds since the start of the scenario. */
  at: Schema.optionalKey(Schema.Int)
})
export type Exchange = typeof Exchange.Type

/** Result of one scenario. */
export const ScenarioResult = Schema.Struct({
  id: Schema.String,
  title: Schema.String,
  /** The worst verdict of its checks, with `not-testable` as `fail`; `not-testable` if the scenario was not run. */
  verdict: Verdict,
  checks: Schema.Array(CheckResult),
  milliseconds: Schema.Finite,
  /** Messages on the wire, truncated. */
  exchanges: Schema.Array(Exchange),
  /** Why it was not run, for `not-applicable` and `not-testable`; the kit's fault, for `error`. */
  reason: Schema.optionalKey(Schema.String)
})
export type ScenarioResult = typeof ScenarioResult.Type

export const Suite = Schema.Struct({ name: Schema.String, version: Schema.String })

export const Counts = Schema.Struct({
  /**
   * Checks by verdict, without expected failures; `notApplicable` and `errors` count scenarios. A `setup` or `wire` that
   * passed is not counted.
   */
  passed: Schema.Natural,
  lenient: Schema.Natural,
  warned: Schema.Natural,
  failed: Schema.Natural,
  notTestable: Schema.Natural,
  notApplicable: Schema.Natural,
  errors: Schema.Natural,
  /** Expected failures. */
  expected: Schema.Natural,
  /** Stale entries of the file of expected failures. */
  stale: Schema.Natural
})
export type Counts = typeof Counts.Type

/** One protocol over one transport. */
export const Report = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  protocol: Schema.String,
  transport: Transport,
  wire: Wire,
  profile: Schema.Literals(["documented", "hardening", "parley", "all"]),
  strict: Schema.Boolean,
  target: Schema.Struct({
    http: Schema.String,
    ws: Schema.optionalKey(Schema.String),
    tcp: Schema.optionalKey(Schema.String)
  }),
  /** ISO 8601, UTC. */
  started: Schema.String,
  milliseconds: Schema.Finite,
  scenarios: Schema.Array(ScenarioResult),
  ...Counts.fields,
  /** Stale entries of the file of expected failures: the check passes or does not exist. */
  staleEntries: Schema.Array(Schema.Struct({ check: Schema.String, why: Schema.String }))
})
export type Report = typeof Report.Type

/** A results file. */
export const Results = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  schemaVersion: Schema.Literal(1),
  suite: Suite,
  reports: Schema.Array(Report)
}).annotate({ identifier: "Results", title: "Results of the conformance kit" })
export type Results = typeof Results.Type

const order: ReadonlyArray<Verdict> = [
  "error",
  "fail",
  "not-testable",
  "warn",
  "pass-lenient",
  "pass",
  "not-applicable"
]

/** The verdict of a scenario: the worst among its checks without expected failures. */
export const worst = (checks: ReadonlyArray<CheckResult>): Verdict => {
  const found = new Set(checks.filter(({ expected }) => expected === undefined).map(({ verdict }) => verdict))
  const named = order.find((verdict) => found.has(verdict))
  return named === "not-testable" ? "fail" : (named ?? (checks.length === 0 ? "not-applicable" : "pass"))
}

/** Whether a chosen scenario was not run; its checks are in the results without a verdict on the server. */
export const isUnplayed = ({ verdict }: ScenarioResult): boolean => verdict === "not-testable"

/** Whether a check is one that every scenario has. It never counts as passed: it demands nothing of its own. */
export const isGeneral = (id: string): boolean => generalChecks.some((name) => id.endsWith(`#${name}`))

export const count = (scenarios: ReadonlyArray<ScenarioResult>): Omit<Counts, "stale"> => {
  const all = scenarios.flatMap((scenario) => scenario.checks)
  const checks = all.filter((check) => check.expected === undefined)
  const of = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length
  const own = checks.filter(({ id, verdict }) => verdict === "pass" && !isGeneral(id))
  const played = (verdict: Verdict) => scenarios.filter((scenario) => scenario.verdict === verdict).length
  return {
    passed: own.length,
    lenient: of("pass-lenient"),
    warned: of("warn"),
    failed: of("fail"),
    notTestable: of("not-testable"),
    notApplicable: played("not-applicable"),
    errors: played("error"),
    expected: all.length - checks.length
  }
}

/**
 * 0 conforms, 1 does not, 4 the kit failed. (2 and 3, usage and an unreachable server, occur before there is a report.)
 */
export const exitCode = (...reports: ReadonlyArray<Report>): 0 | 1 | 4 => {
  if (reports.some(({ errors }) => errors > 0)) return 4
  return reports.some(({ failed, notTestable, stale }) => failed + notTestable + stale > 0) ? 1 : 0
}
