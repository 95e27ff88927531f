/** Turns outcomes into verdicts, by the requirements' levels, the profile and `strict`. */
import { type Level, levelOf, requirementsOf } from "../requirements/Requirements.ts"
import { ruleOf } from "../requirements/Rules.ts"
import type { CheckResult, Demand, Evidence, Verdict } from "./Results.ts"
import {
  checks,
  hasStepsOf,
  isCheck,
  type Profile,
  profileOfCheck,
  secretsSource,
  type Scenario,
  type Step
} from "../scenarios/Scenario.ts"
import { printable } from "../Json.ts"
import { type Outcome, pass } from "./StepContext.ts"
import { actorOf, evidence, type ScenarioContext } from "./ScenarioContext.ts"

/** The outcome of a judged step, with its position. */
interface Judged {
  readonly outcome: Outcome
  /** From 1. */
  readonly index: number
}

/** Outcomes of the steps so far. Also read if the scenario ends at its timeout. */
export interface Observations {
  readonly outcomes: Map<string, Judged>
  /** The steps whose request was accepted: those that passed, and those that failed by the content of the response only. */
  readonly accepted: Set<string>
  setup: Outcome
  /** The position of the first step of the set-up that failed, from 1; 0 if the actors could not log in. */
  failedAt: number | undefined
  /** Why later steps cannot be evaluated. */
  stopped: string | undefined
  /** Why the scenario cannot run here: the account source lacks something that it needs. */
  impossible: string | undefined
  /** The first failure among steps of other profiles. */
  foreign: string | undefined
}

export const newObservations = (): Observations => ({
  outcomes: new Map(),
  accepted: new Set(),
  setup: pass,
  failedAt: undefined,
  stopped: undefined,
  impossible: undefined,
  foreign: undefined
})

/** A requirement or rule in both languages. */
export interface BilingualDemand extends Demand {
  readonly zh: string
}

/** The requirements that a check covers, and the rule that its step cites. Throws `BadRequirements`. */
export const demandsOf = (check: string, step: Step | undefined): ReadonlyArray<BilingualDemand> => {
  const source = check.endsWith("#secrets") ? secretsSource : step?.source
  const rule = source === undefined ? undefined : ruleOf(source)
  return [
    ...requirementsOf(check).map(({ id, level, doc, section, description, field }) => ({
      id,
      level,
      doc,
      section,
      description: description.en,
      zh: description.zh,
      ...(field === undefined ? {} : { field: field.name })
    })),
    ...(rule === undefined || source === undefined
      ? []
      : [
          {
            id: rule.id,
            level: "MUST" as const,
            ...source,
            description: rule.description.en,
            zh: rule.description.zh
          }
        ])
  ]
}

interface Known {
  readonly id: string
  readonly profile: Profile
  readonly step: Step | undefined
}

/** The level of a check. Those beside the documents are MUST, since their profile is chosen explicitly. */
export const levelAs = (id: string, profile: Profile): Level =>
  profile === "documented" ? (levelOf(id) ?? "MUST") : "MUST"

const result = ({ id, profile, step }: Known, verdict: Verdict, found?: Evidence): CheckResult => {
  const level = levelAs(id, profile)
  return {
    id,
    verdict,
    level,
    profile,
    requirements: demandsOf(id, step),
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

const secrets = (context: ScenarioContext): Outcome => {
  const { leak } = context.leaks
  if (leak === undefined) return pass
  const wanted = "no password, hash or token of a user"
  const came = [printable(leak.text, 4_000)]
  const found = evidence(context, actorOf(context, leak.actor), { index: 0, reason: leak.reason, wanted, came })
  return { verdict: "fail", evidence: found, stop: false }
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

/** Why a step that passed proves nothing: the set-up before it failed, or the request that it differs from is refused too. */
const doubtOf = ({ step }: Known, { outcome, index }: Judged, found: Observations): string | undefined => {
  if (outcome.verdict !== "pass") return undefined
  if (found.failedAt !== undefined && found.failedAt < index)
    return `step ${found.failedAt}, which prepares this one, failed`
  const twin = step !== undefined && "unlike" in step ? step.unlike : undefined
  return twin === undefined || found.accepted.has(twin)
    ? undefined
    : `this refusal proves nothing, because the request of ${twin}, which differs in one thing only, is not accepted either`
}

const unproved = (context: ScenarioContext, by: string, index: number, reason: string): Outcome => ({
  verdict: "not-testable",
  evidence: evidence(context, actorOf(context, by), { index, reason })
})

/** A check that depends on a failed step of another profile is not applicable. */
const withoutOtherProfiles = (check: CheckResult, found: Observations): CheckResult =>
  check.verdict === "not-testable" && found.foreign !== undefined ? { ...check, verdict: "not-applicable" } : check

/** Whether `setup` or `wire` belongs to a scenario that is run in this profile for its check `secrets` only. */
const isOfOthers = (scenario: Scenario, check: string, profile: Profile | "all"): boolean =>
  (check === "setup" || check === "wire") && scenario.steps.some(isCheck) && !hasStepsOf(scenario, profile)

/** Results of a scenario's checks in the profile, with the checks that every scenario has. */
export const verdictsOf = (
  context: ScenarioContext,
  scenario: Scenario,
  found: Observations
): ReadonlyArray<CheckResult> => {
  return checks(scenario, context.wire, context.protocol).flatMap((id) => {
    const check = id.slice(scenario.id.length + 1)
    const step = scenario.steps.find((one) => isCheck(one) && one.check === check)
    const profile = profileOfCheck(scenario, check, step)
    const known = { id, profile, step }
    if (isOfOthers(scenario, check, context.profile)) return []
    if (check === "setup") return [withoutOtherProfiles(checkResult(known, found.setup, context.strict), found)]
    if (check === "wire") {
      const silent = found.stopped !== undefined && !hasReceived(context)
      return [silent ? unreached(known, found) : checkResult(known, wire(context), context.strict)]
    }
    if (context.profile !== "all" && profile !== context.profile) return []
    if (check === "secrets") {
      return [context.leaks.hasSeen ? checkResult(known, secrets(context), context.strict) : unreached(known, found)]
    }
    const judged = found.outcomes.get(check)
    if (judged === undefined) return [withoutOtherProfiles(unreached(known, found), found)]
    const doubt = doubtOf(known, judged, found)
    const outcome = doubt === undefined ? judged.outcome : unproved(context, step?.by ?? "", judged.index, doubt)
    return [withoutOtherProfiles(checkResult(known, outcome, context.strict), found)]
  })
}
