/** Turns outcomes into verdicts, by the requirements' levels, the profile and `strict`. */
import { type Level, levelOf, requirementsOf } from "../requirements/Requirements.ts"
import type { CheckResult, Demand, Evidence, Verdict } from "./Results.ts"
import { checks, type Profile, profileOf, profileOfWhole, type Scenario } from "../scenarios/Scenario.ts"
import { type Outcome, pass } from "./StepContext.ts"
import { evidence, type ScenarioContext } from "./ScenarioContext.ts"

/** Outcomes of the steps so far. Also read if the scenario ends at its timeout. */
export interface Observations {
  readonly outcomes: Map<string, Outcome>
  setup: Outcome
  /** Why later steps cannot be evaluated. */
  stopped: string | undefined
  /** Why the scenario cannot run here: the account source lacks something that it needs. */
  impossible: string | undefined
  /** The first failure among steps of other profiles. */
  foreign: string | undefined
}

export const newObservations = (): Observations => ({
  outcomes: new Map(),
  setup: pass,
  stopped: undefined,
  impossible: undefined,
  foreign: undefined
})

export const demandsOf = (check: string): ReadonlyArray<Demand> =>
  requirementsOf(check).map(({ id, level, doc, section, description, field }) => ({
    id,
    level,
    doc,
    section,
    description: description.en,
    ...(field === undefined ? {} : { field: field.name })
  }))

interface Known {
  readonly id: string
  readonly profile: Profile
}

/** The level of a check. Hardening checks are MUST, since the profile is chosen explicitly. */
export const levelAs = (id: string, profile: Profile): Level =>
  profile === "hardening" ? "MUST" : (levelOf(id) ?? "MUST")

const result = ({ id, profile }: Known, verdict: Verdict, found?: Evidence): CheckResult => {
  const level = levelAs(id, profile)
  return {
    id,
    verdict,
    level,
    profile,
    requirements: demandsOf(id),
    ...(found === undefined ? {} : { evidence: found })
  }
}

/** The verdict of a failure: a warning for SHOULD and MAY, unless `strict`. */
const failureVerdict = (level: CheckResult["level"], strict: boolean): Verdict =>
  level === "MUST" || strict ? "fail" : "warn"

const checkResult = (known: Known, outcome: Outcome, strict: boolean): CheckResult => {
  if (outcome.verdict === "not-testable") return result(known, "not-testable", outcome.evidence)
  const passed = result(known, "pass")
  if (outcome.verdict === "fail") return { ...result(known, failureVerdict(passed.level, strict), outcome.evidence) }
  if (outcome.lenient.length === 0) return passed
  return { ...passed, verdict: strict ? "warn" : "pass-lenient", readings: outcome.lenient }
}

/** Whether the server sent anything. */
const hasReceived = (context: ScenarioContext): boolean =>
  [...context.actors.values()].some(({ connections }) =>
    connections.some((one) => one.packets.length + one.faults.length > 0)
  )

const wire = (context: ScenarioContext): Outcome => {
  for (const actor of context.actors.values()) {
    const faults = actor.connections.flatMap((connection) => connection.faults)
    if (faults.length === 0) continue
    const wanted = "JSON objects or arrays of them"
    const found = evidence(context, actor, { index: 0, reason: faults.slice(0, 3).join("; "), wanted, came: faults })
    return { verdict: "fail", evidence: found, stop: false }
  }
  return pass
}

const unreached = (known: Known, found: Observations): CheckResult => {
  const why = found.stopped ?? found.foreign
  const reason = why === undefined ? "never reached" : `never reached: ${why}`
  const nothing: Evidence = { step: 0, actor: "", reason, sent: [], came: [], wanted: "", reproduce: [] }
  return result(known, "not-testable", nothing)
}

/** A check that depends on a failed step of another profile is not applicable. */
const withoutOtherProfiles = (check: CheckResult, found: Observations): CheckResult =>
  check.verdict === "not-testable" && found.foreign !== undefined ? { ...check, verdict: "not-applicable" } : check

/** Results of a scenario's checks in the profile, with the checks that every scenario has. */
export const verdictsOf = (
  context: ScenarioContext,
  scenario: Scenario,
  found: Observations
): ReadonlyArray<CheckResult> => {
  const profiles = new Map<string, Profile>()
  for (const step of scenario.steps) if ("check" in step) profiles.set(step.check, profileOf(scenario, step))
  return checks(scenario, context.wire, context.protocol).flatMap((id) => {
    const check = id.slice(scenario.id.length + 1)
    const profile = profiles.get(check) ?? profileOfWhole(scenario)
    const known = { id, profile }
    if (check === "setup") return [withoutOtherProfiles(checkResult(known, found.setup, context.strict), found)]
    if (check === "wire") {
      const silent = found.stopped !== undefined && !hasReceived(context)
      return [silent ? unreached(known, found) : checkResult(known, wire(context), context.strict)]
    }
    if (context.profile !== "all" && profile !== context.profile) return []
    const outcome = found.outcomes.get(check)
    return [
      withoutOtherProfiles(
        outcome === undefined ? unreached(known, found) : checkResult(known, outcome, context.strict),
        found
      )
    ]
  })
}
