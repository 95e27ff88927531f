/** Turns what was found into verdicts: by the level of what a check rests on, the profile, and how strict one is. */
import { type Level, levelOf, requirementsOf } from "../requirements/Requirements.ts"
import type { CheckResult, Demand, Evidence, Verdict } from "./Results.ts"
import { checks, type Profile, profileOf, profileOfWhole, type Scenario } from "../scenarios/Scenario.ts"
import { type Outcome, pass } from "./StepContext.ts"
import { evidence, type ScenarioContext } from "./ScenarioContext.ts"

/** What the steps found so far: read even when the scenario is cut off at its deadline. */
export interface Observations {
  readonly outcomes: Map<string, Outcome>
  setup: Outcome
  /** Why nothing after it can be judged. */
  stopped: string | undefined
  /** Why the scenario cannot be played here at all: what it needs of the accounts cannot be had. */
  impossible: string | undefined
  /** What went otherwise among the steps that this profile does not judge. */
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
  requirementsOf(check).map(({ id, level, doc, section, says, field }) => ({
    id,
    level,
    doc,
    section,
    says: says.en,
    ...(field === undefined ? {} : { field: field.name })
  }))

interface Known {
  readonly id: string
  readonly profile: Profile
}

/** How much a check asks. What is this project's own was asked for by choosing its profile: it is no recommendation. */
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

/** What a document only recommends or leaves open is no failure, unless one is strict. */
const softened = (level: CheckResult["level"], strict: boolean): Verdict =>
  level === "MUST" || strict ? "fail" : "warn"

const judged = (known: Known, outcome: Outcome, strict: boolean): CheckResult => {
  if (outcome.verdict === "not-testable") return result(known, "not-testable", outcome.evidence)
  const passed = result(known, "pass")
  if (outcome.verdict === "fail") return { ...result(known, softened(passed.level, strict), outcome.evidence) }
  if (outcome.lenient.length === 0) return passed
  return { ...passed, verdict: strict ? "warn" : "pass-lenient", readings: outcome.lenient }
}

/** Whether anything at all came from the server: of a silent one nothing can be said. */
const heard = (world: ScenarioContext): boolean =>
  [...world.actors.values()].some(({ lines }) => lines.some((one) => one.packets.length + one.faults.length > 0))

const wire = (world: ScenarioContext): Outcome => {
  for (const who of world.actors.values()) {
    const faults = who.lines.flatMap((line) => line.faults)
    if (faults.length === 0) continue
    const wanted = "JSON objects or arrays of them"
    const found = evidence(world, who, { index: 0, reason: faults.slice(0, 3).join("; "), wanted, came: faults })
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

/** What rests on a step of another profile that went otherwise is grey: the profile does not ask for that step. */
const excused = (check: CheckResult, found: Observations): CheckResult =>
  check.verdict === "not-testable" && found.foreign !== undefined ? { ...check, verdict: "not-applicable" } : check

/** The results of the checks of a scenario that belong to the profile, with those that every scenario has. */
export const judge = (world: ScenarioContext, scenario: Scenario, found: Observations): ReadonlyArray<CheckResult> => {
  const profiles = new Map<string, Profile>()
  for (const step of scenario.steps) if ("check" in step) profiles.set(step.check, profileOf(scenario, step))
  return checks(scenario, world.wire, world.protocol).flatMap((id) => {
    const check = id.slice(scenario.id.length + 1)
    const profile = profiles.get(check) ?? profileOfWhole(scenario)
    const known = { id, profile }
    if (check === "setup") return [excused(judged(known, found.setup, world.strict), found)]
    if (check === "wire") {
      const silent = found.stopped !== undefined && !heard(world)
      return [silent ? unreached(known, found) : judged(known, wire(world), world.strict)]
    }
    if (world.profile !== "all" && profile !== world.profile) return []
    const outcome = found.outcomes.get(check)
    return [excused(outcome === undefined ? unreached(known, found) : judged(known, outcome, world.strict), found)]
  })
}
