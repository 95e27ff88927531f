/** Performs a scenario: prepares its actors, plays its steps, tidies up, and judges every one of its checks. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as EffectScope from "effect/Scope"
import { type Account, NotPrepared } from "../accounts/Accounts.ts"
import { judge, type Observations, newObservations } from "./verdict.ts"
import type { Json } from "../Json.ts"
import { play, use } from "./step.ts"
import { redact } from "../report/redact.ts"
import { type ScenarioResult, worst } from "./Results.ts"
import { profileOf, type Scenario, type Step } from "../scenarios/Scenario.ts"
import { Redactor } from "../report/Redactor.ts"
import type { Outcome } from "./StepContext.ts"
import {
  type Actor,
  actor,
  barrier,
  barrierName,
  evidence,
  noteDelivered,
  open,
  type ScenarioContext
} from "./ScenarioContext.ts"

/** What all scenarios of a run share. */
export interface RunContext extends Omit<
  ScenarioContext,
  "scenario" | "scope" | "secrets" | "actors" | "given" | "exchanges" | "marks"
> {
  readonly accounts: { readonly [role: string]: Account }
  /** What is known of secrets before the first scenario. */
  readonly secrets: Redactor
}

/** The accounts that a scenario acts with: name to role. */
export const rolesOf = (scenario: Scenario): { readonly [name: string]: string } => ({
  ...Object.fromEntries([...scenario.actors, ...(scenario.away ?? [])].map((name) => [name, name])),
  ...scenario.guests
})

const contextOf = (stage: RunContext, scenario: Scenario): ScenarioContext => {
  const scope = new Map<string, Json>()
  for (const [name, role] of Object.entries(rolesOf(scenario))) {
    const account = stage.accounts[role]
    if (account === undefined) continue
    scope.set(`${name}.account`, account.account)
    scope.set(`${name}.password`, account.password ?? "")
    if (account.token === undefined) continue
    scope.set(`${name}.token`, account.token)
    if (account.id !== undefined) scope.set(`${name}.id`, account.id)
  }
  const fresh = { actors: new Map(), given: new Set<string>(), exchanges: [], marks: new Map() }
  return { ...stage, ...fresh, scenario, scope, secrets: new Redactor(stage.secrets) }
}

const failed = (world: ScenarioContext, who: Actor, reason: string): Outcome => ({
  verdict: "fail",
  evidence: evidence(world, who, { index: 0, reason }),
  stop: true
})

/** Opens a connection, where the protocol has any, and logs in; nothing if that went well. */
const enter = Effect.fnUntraced(function* (world: ScenarioContext, name: string) {
  const who = actor(world, name)
  const opened = world.transport === "http" ? Effect.void : open(world, who)
  const refused = yield* opened.pipe(
    Effect.as(undefined),
    Effect.catch((error) => Effect.succeed(failed(world, who, `no connection to ${error.address}: ${error.message}`)))
  )
  if (refused !== undefined) return refused
  const outcome = yield* use(world, who, "login", 0)
  return outcome.verdict === "pass" ? undefined : outcome
})

const leave = Effect.fnUntraced(function* (world: ScenarioContext, who: Actor) {
  noteDelivered(world, who)
  yield* use(world, who, "leave", 0)
  who.line?.close()
  world.scope.delete(`${who.name}.sid`)
})

const prepare = Effect.fnUntraced(function* (world: ScenarioContext, scenario: Scenario) {
  for (const name of scenario.away ?? []) {
    const refused = yield* enter(world, name)
    if (refused !== undefined) return refused
    yield* leave(world, actor(world, name))
  }
  for (const name of scenario.actors) {
    const refused = yield* enter(world, name)
    if (refused !== undefined) return refused
  }
  for (const name of scenario.actors) {
    const who = actor(world, name)
    if (!(yield* barrier(world, who))) return failed(world, who, `no answer to ${barrierName(world)}`)
  }
  for (const { line } of world.actors.values()) for (const packet of line?.packets ?? []) packet.used = true
  return undefined
})

const isJudged = (world: ScenarioContext, step: Step): boolean =>
  world.profile === "all" || profileOf(world.scenario, step) === world.profile

/** Keeps what a step was found to be; a step of another profile is played for its effects only. */
const remember = (world: ScenarioContext, found: Observations, step: Step, outcome: Outcome): void => {
  if ("expire" in step && outcome.verdict === "not-testable") {
    found.impossible = outcome.evidence.reason
    return
  }
  const judged = isJudged(world, step)
  if (!("check" in step)) {
    if (outcome.verdict !== "pass" && found.setup.verdict === "pass") found.setup = outcome
  } else if (judged) found.outcomes.set(step.check, outcome)
  if (outcome.verdict === "pass") return
  if (!judged && "check" in step) found.foreign ??= outcome.evidence.reason
  if (outcome.verdict === "fail" && outcome.stop) found.stopped = outcome.evidence.reason
}

const act = (
  world: ScenarioContext,
  scenario: Scenario,
  found: Observations
): Effect.Effect<void, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const refused = yield* prepare(world, scenario)
    if (refused !== undefined) {
      found.setup = refused
      found.stopped = refused.verdict === "pass" ? undefined : refused.evidence.reason
      return
    }
    for (const [position, step] of scenario.steps.entries()) {
      if (step.profiles !== undefined && !step.profiles.includes(world.wire)) continue
      remember(world, found, step, yield* play(world, step, position + 1))
      if (found.stopped !== undefined) return
      if (found.impossible !== undefined) break
    }
    for (const who of world.actors.values()) {
      const usable =
        world.transport === "http" || (who.line !== undefined && who.line.closing === undefined && !who.line.leaving)
      if (usable && world.scope.has(`${who.name}.sid`)) yield* leave(world, who)
    }
  })

/** The result of a scenario. Never fails: a defect of the kit is a result too. */
export const perform = (stage: RunContext, scenario: Scenario): Effect.Effect<ScenarioResult> =>
  Effect.suspend(() => {
    const started = performance.now()
    const world = contextOf(stage, scenario)
    const found = newObservations()
    const base = () => ({
      id: scenario.id,
      title: scenario.title,
      milliseconds: performance.now() - started,
      exchanges: world.exchanges
    })
    return Effect.scoped(act(world, scenario, found)).pipe(
      Effect.timeoutOption(stage.timing.scenario),
      Effect.exit,
      Effect.map((exit): ScenarioResult => {
        if (Exit.isFailure(exit)) {
          const reason = `the kit failed: ${Cause.pretty(exit.cause)}`
          return redact(world.secrets, { ...base(), verdict: "error", checks: [], reason })
        }
        if (Option.isNone(exit.value)) {
          const reason = `the scenario took longer than ${stage.timing.scenario} ms`
          found.stopped ??= reason
          const who = world.actors.values().next().value ?? actor(world, "")
          if (found.setup.verdict === "pass") found.setup = failed(world, who, reason)
        }
        if (found.impossible !== undefined) {
          return redact(world.secrets, { ...base(), verdict: "not-applicable", checks: [], reason: found.impossible })
        }
        const checks = judge(world, scenario, found)
        return redact(world.secrets, { ...base(), verdict: worst(checks), checks })
      })
    )
  })

/**
 * The result of a scenario that was not played for a reason that lies with the target: it neither passed nor failed, and
 * none of its checks did, but the run is not complete without it.
 */
export const unplayed = (stage: RunContext, scenario: Scenario, reason: string): ScenarioResult => {
  const world = contextOf(stage, scenario)
  const found = newObservations()
  const nothing = evidence(world, actor(world, ""), { index: 0, reason })
  found.setup = { verdict: "not-testable", evidence: nothing }
  found.stopped = reason
  const checks = judge(world, scenario, found)
  const { id, title } = scenario
  const result = { id, title, verdict: "not-testable", checks, milliseconds: 0, exchanges: [], reason } as const
  return redact(world.secrets, result)
}

/** Plays a routine that signs an account up; what it makes known of `id` and `token` belongs to the account. */
export const signUp = (
  stage: Omit<RunContext, "accounts" | "expiry">,
  routine: string,
  account: { readonly account: string; readonly password: string }
): Effect.Effect<Account, NotPrepared> => {
  const scenario = { id: `${stage.protocol.protocol}/account/sign-up`, title: "", actors: [], steps: [] }
  const world = contextOf({ ...stage, accounts: {}, expiry: undefined }, scenario)
  const who = actor(world, "new")
  world.scope.set("new.account", account.account)
  world.scope.set("new.password", account.password)
  world.secrets.addPassword(account.password, "new")
  const refused = (why: string) => new NotPrepared({ message: `signing up: ${world.secrets.hide(why)}` })
  const opened = world.transport === "http" ? Effect.void : open(world, who)
  return opened.pipe(
    Effect.mapError(({ message }) => refused(message)),
    Effect.andThen(use(world, who, routine, 0)),
    Effect.flatMap((outcome) => {
      if (outcome.verdict !== "pass") return Effect.fail(refused(outcome.evidence.reason))
      const [id, token] = ["new.id", "new.token"].map((name) => world.scope.get(name))
      return Effect.succeed({
        ...account,
        ...(typeof id === "string" || typeof id === "number" ? { id } : {}),
        ...(typeof token === "string" ? { token } : {})
      })
    }),
    Effect.scoped
  )
}
