/** Runs a scenario: prepares its actors, runs its steps, logs out, and evaluates its checks. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as EffectScope from "effect/Scope"
import { type Account, NotPrepared } from "../accounts/Accounts.ts"
import type { Organization } from "../accounts/Organization.ts"
import { verdictsOf, type Observations, newObservations } from "./verdict.ts"
import type { Json } from "../Json.ts"
import type { Sent } from "./http.ts"
import { race, runStep, runRoutine } from "./step.ts"
import { redact } from "./redact.ts"
import { type ScenarioResult, worst } from "./Results.ts"
import { isCheck, profileOf, type Scenario, type Step } from "../scenarios/Scenario.ts"
import { LeakWatch } from "./LeakWatch.ts"
import { Redactor } from "./Redactor.ts"
import type { Of, Outcome } from "./StepContext.ts"
import {
  type Actor,
  actorOf,
  barrier,
  barrierName,
  evidence,
  noteDelivered,
  open,
  type ScenarioContext
} from "./ScenarioContext.ts"

/** The context that all scenarios of a run share. */
export interface RunContext extends Omit<
  ScenarioContext,
  "scenario" | "scope" | "secrets" | "leaks" | "actors" | "withToken" | "exchanges" | "marks" | "latest" | "began"
> {
  readonly accounts: { readonly [role: string]: Account }
  readonly organization?: Organization
  /** The secrets that are known before the first scenario. */
  readonly secrets: Redactor
}

/** The roles of a scenario's actors, by name. */
export const rolesOf = (scenario: Scenario): { readonly [name: string]: string } => ({
  ...Object.fromEntries([...scenario.actors, ...(scenario.away ?? [])].map((name) => [name, name])),
  ...scenario.guests
})

/** The users of an organization as accounts, whose passwords no message may have. */
const usersOf = ({ organization }: RunContext): RunContext["accounts"] =>
  Object.fromEntries(
    (organization?.users ?? []).flatMap(({ name, password }) =>
      password === undefined ? [] : [[`user ${name}`, { account: name, password }] as const]
    )
  )

const contextOf = (runContext: RunContext, scenario: Scenario): ScenarioContext => {
  const scope = new Map<string, Json>()
  if (scenario.facts !== undefined && runContext.organization !== undefined) {
    const { id, users } = runContext.organization
    scope.set("organization.id", id)
    scope.set(
      "organization.contacts",
      users.map(({ id: user, name }) => ({ ...(user === undefined ? {} : { id: user }), name, type: "user" }))
    )
  }
  for (const [name, role] of Object.entries(rolesOf(scenario))) {
    const account = runContext.accounts[role]
    if (account === undefined) continue
    scope.set(`${name}.account`, account.account)
    scope.set(`${name}.password`, account.password ?? "")
    if (account.token === undefined) continue
    scope.set(`${name}.token`, account.token)
    if (account.id !== undefined) scope.set(`${name}.id`, account.id)
  }
  const fresh = {
    leaks: new LeakWatch(
      { ...runContext.accounts, ...usersOf(runContext) },
      rolesOf(scenario),
      scope,
      [...scenario.steps].map((step) => ({ ...step }))
    ),
    actors: new Map(),
    withToken: new Set<string>(),
    exchanges: [],
    marks: new Map(),
    latest: { frame: undefined },
    began: performance.now()
  }
  return { ...runContext, ...fresh, scenario, scope, secrets: new Redactor(runContext.secrets) }
}

const failed = (context: ScenarioContext, actor: Actor, reason: string): Outcome => ({
  verdict: "fail",
  evidence: evidence(context, actor, { index: 0, reason }),
  stop: true
})

/** Opens a connection if the protocol has connections, and logs in. Returns the failure, or `undefined`. */
const logIn = Effect.fnUntraced(function* (context: ScenarioContext, name: string) {
  const actor = actorOf(context, name)
  const opened = context.transport === "http" ? Effect.void : open(context, actor)
  const refused = yield* opened.pipe(
    Effect.as(undefined),
    Effect.catch((error) =>
      Effect.succeed(failed(context, actor, `no connection to ${error.address}: ${error.message}`))
    )
  )
  if (refused !== undefined) return refused
  const outcome = yield* runRoutine(context, actor, "login", 0)
  return outcome.verdict === "pass" ? undefined : outcome
})

const logOut = Effect.fnUntraced(function* (context: ScenarioContext, actor: Actor) {
  noteDelivered(context, actor)
  yield* runRoutine(context, actor, "leave", 0)
  actor.connection?.close()
  context.scope.delete(`${actor.name}.sid`)
})

const prepare = Effect.fnUntraced(function* (context: ScenarioContext, scenario: Scenario) {
  for (const name of scenario.away ?? []) {
    const refused = yield* logIn(context, name)
    if (refused !== undefined) return refused
    yield* logOut(context, actorOf(context, name))
  }
  for (const name of scenario.actors) {
    const refused = yield* logIn(context, name)
    if (refused !== undefined) return refused
  }
  for (const name of scenario.actors) {
    const actor = actorOf(context, name)
    if (!(yield* barrier(context, actor))) return failed(context, actor, `no response to ${barrierName(context)}`)
  }
  for (const { connection } of context.actors.values())
    for (const packet of connection?.packets ?? []) packet.used = true
  return undefined
})

const isJudged = (context: ScenarioContext, step: Step): boolean =>
  context.profile === "all" || profileOf(context.scenario, step) === context.profile

const failSetup = (found: Observations, outcome: Outcome, index: number): void => {
  found.failedAt ??= index
  if (found.setup.verdict === "pass") found.setup = outcome
}

/** Records the outcome of the step at `index`. A step of another profile is run for its effects only. */
const recordOutcome = (
  context: ScenarioContext,
  found: Observations,
  step: Step,
  outcome: Outcome,
  index: number
): void => {
  if ("expire" in step && outcome.verdict === "not-testable") {
    found.impossible = outcome.evidence.reason
    return
  }
  const passed = outcome.verdict === "pass"
  if ("check" in step && (passed || (outcome.verdict === "fail" && outcome.accepted === true)))
    found.accepted.add(step.check)
  if ("check" in step && step.role === "cleanup") return
  const judged = isJudged(context, step)
  const prepares = !("check" in step) || step.role === "setup"
  if (isCheck(step) && judged) found.outcomes.set(step.check, { outcome, index })
  if (passed) return
  if (!judged && "check" in step) found.foreign ??= outcome.evidence.reason
  else if (prepares) failSetup(found, outcome, index)
  if (outcome.verdict === "fail" && outcome.stop) found.stopped = outcome.evidence.reason
}

/** The consecutive racing steps from a position on; empty for any other step. */
const racingFrom = (steps: ReadonlyArray<Step>, from: number): ReadonlyArray<Of<"http">> => {
  const found: Array<Of<"http">> = []
  for (const step of steps.slice(from)) {
    if (!("http" in step) || step.racing !== true) break
    found.push(step)
  }
  return found
}

const runSteps = (
  context: ScenarioContext,
  scenario: Scenario,
  found: Observations
): Effect.Effect<void, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const refused = yield* prepare(context, scenario)
    if (refused !== undefined) {
      failSetup(found, refused, 0)
      found.stopped = refused.verdict === "pass" ? undefined : refused.evidence.reason
      return
    }
    const sent = new Map<Step, Sent>()
    for (const [position, step] of scenario.steps.entries()) {
      if (step.profiles !== undefined && !step.profiles.includes(context.wire)) continue
      const racing = sent.has(step) ? [] : racingFrom(scenario.steps, position)
      for (const [index, one] of (yield* race(context, racing)).entries()) sent.set(racing[index] ?? step, one)
      recordOutcome(context, found, step, yield* runStep(context, step, position + 1, sent.get(step)), position + 1)
      if (found.stopped !== undefined) return
      if (found.impossible !== undefined) break
    }
    for (const actor of context.actors.values()) {
      const usable =
        context.transport === "http" ||
        (actor.connection !== undefined && actor.connection.closing === undefined && !actor.connection.leaving)
      if (usable && context.scope.has(`${actor.name}.sid`)) yield* logOut(context, actor)
    }
  })

/** Runs a scenario. Never fails: a defect of the kit gives the verdict `error`. */
export const runScenario = (runContext: RunContext, scenario: Scenario): Effect.Effect<ScenarioResult> =>
  Effect.suspend(() => {
    const started = performance.now()
    const context = contextOf(runContext, scenario)
    const found = newObservations()
    const base = () => ({
      id: scenario.id,
      title: scenario.title,
      milliseconds: performance.now() - started,
      exchanges: context.exchanges
    })
    return Effect.scoped(runSteps(context, scenario, found)).pipe(
      Effect.timeoutOption(runContext.timing.scenario),
      Effect.exit,
      Effect.map((exit): ScenarioResult => {
        if (Exit.isFailure(exit)) {
          const reason = `the kit failed: ${Cause.pretty(exit.cause)}`
          return redact(context.secrets, { ...base(), verdict: "error", checks: [], reason })
        }
        if (Option.isNone(exit.value)) {
          const reason = `the scenario took longer than ${runContext.timing.scenario} ms`
          found.stopped ??= reason
          const actor = context.actors.values().next().value ?? actorOf(context, "")
          if (found.setup.verdict === "pass") found.setup = failed(context, actor, reason)
        }
        if (found.impossible !== undefined) {
          return redact(context.secrets, { ...base(), verdict: "not-applicable", checks: [], reason: found.impossible })
        }
        const checks = verdictsOf(context, scenario, found)
        return redact(context.secrets, { ...base(), verdict: worst(checks), checks })
      })
    )
  })

/**
 * The result of a scenario that was not run for a reason of the target. It neither passed nor failed, and makes the run
 * incomplete.
 */
export const notTestable = (runContext: RunContext, scenario: Scenario, reason: string): ScenarioResult => {
  const context = contextOf(runContext, scenario)
  const found = newObservations()
  const nothing = evidence(context, actorOf(context, ""), { index: 0, reason })
  found.setup = { verdict: "not-testable", evidence: nothing }
  found.stopped = reason
  const checks = verdictsOf(context, scenario, found)
  const { id, title } = scenario
  const result = { id, title, verdict: "not-testable", checks, milliseconds: 0, exchanges: [], reason } as const
  return redact(context.secrets, result)
}

/** Runs a routine that signs an account up, and returns the account with the `id` and `token` that it captured. */
export const signUp = (
  runContext: Omit<RunContext, "accounts" | "expiry">,
  routine: string,
  account: { readonly account: string; readonly password: string }
): Effect.Effect<Account, NotPrepared> => {
  const scenario = { id: `${runContext.protocol.protocol}/account/sign-up`, title: "", actors: [], steps: [] }
  const context = contextOf({ ...runContext, accounts: {}, expiry: undefined }, scenario)
  const actor = actorOf(context, "new")
  context.scope.set("new.account", account.account)
  context.scope.set("new.password", account.password)
  context.secrets.addPassword(account.password, "new")
  const refused = (why: string) => new NotPrepared({ message: `signing up: ${context.secrets.hide(why)}` })
  const opened = context.transport === "http" ? Effect.void : open(context, actor)
  return opened.pipe(
    Effect.mapError(({ message }) => refused(message)),
    Effect.andThen(runRoutine(context, actor, routine, 0)),
    Effect.flatMap((outcome) => {
      if (outcome.verdict !== "pass") return Effect.fail(refused(outcome.evidence.reason))
      const [id, token] = ["new.id", "new.token"].map((name) => context.scope.get(name))
      return Effect.succeed({
        ...account,
        ...(typeof id === "string" || typeof id === "number" ? { id } : {}),
        ...(typeof token === "string" ? { token } : {})
      })
    }),
    Effect.scoped
  )
}
