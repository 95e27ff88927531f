/** Performs a scenario: prepares its actors, plays its steps, tidies up, and judges every one of its checks. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as EffectScope from "effect/Scope"
import { type Outcome, play, use } from "./Play.ts"
import type { CheckResult, Evidence, ScenarioResult } from "./Report.ts"
import { checks, type Scenario } from "./Scenario.ts"
import type { Json } from "./Json.ts"
import {
  type Account,
  type Actor,
  actor,
  barrier,
  barrierName,
  evidence,
  noteDelivered,
  open,
  type World
} from "./World.ts"

export interface Stage extends Omit<World, "scope" | "actors" | "exchanges" | "marks"> {
  readonly accounts: { readonly [role: string]: Account }
}

const worldOf = (stage: Stage, scenario: Scenario): World => {
  const scope = new Map<string, Json>()
  const roles = Object.fromEntries([...scenario.actors, ...(scenario.away ?? [])].map((name) => [name, name]))
  for (const [name, role] of Object.entries({ ...roles, ...scenario.guests })) {
    const account = stage.accounts[role]
    if (account === undefined) continue
    scope.set(`${name}.account`, account.account)
    scope.set(`${name}.password`, account.password)
  }
  return { ...stage, scope, actors: new Map(), exchanges: [], marks: new Map() }
}

const unable = (who: Actor, reason: string): Evidence => evidence(who, undefined, 0, reason, undefined)

/** Opens a connection, where the protocol has any, and logs in; nothing if that went well. */
const enter = Effect.fnUntraced(function* (world: World, name: string) {
  const who = actor(world, name)
  const opened = world.transport === "http" ? Effect.void : open(world, who)
  const failed = yield* opened.pipe(
    Effect.as(undefined),
    Effect.catch((error) =>
      Effect.succeed<Outcome>({
        verdict: "fail",
        evidence: unable(who, `no connection to ${error.address}: ${error.message}`),
        stop: true
      })
    )
  )
  if (failed !== undefined) return failed
  const outcome = yield* use(world, who, "login", 0)
  return outcome.verdict === "pass" ? undefined : outcome
})

const leave = Effect.fnUntraced(function* (world: World, who: Actor) {
  noteDelivered(world, who)
  yield* use(world, who, "leave", 0)
  who.line?.close()
  world.scope.delete(`${who.name}.sid`)
})

const prepare = Effect.fnUntraced(function* (world: World, scenario: Scenario) {
  for (const name of scenario.away ?? []) {
    const failed = yield* enter(world, name)
    if (failed !== undefined) return failed
    yield* leave(world, actor(world, name))
  }
  for (const name of scenario.actors) {
    const failed = yield* enter(world, name)
    if (failed !== undefined) return failed
  }
  for (const name of scenario.actors) {
    const who = actor(world, name)
    if (!(yield* barrier(world, who))) {
      const outcome: Outcome = {
        verdict: "fail",
        evidence: unable(who, `no answer to ${barrierName(world)}`),
        stop: true
      }
      return outcome
    }
  }
  for (const { line } of world.actors.values()) for (const packet of line?.packets ?? []) packet.used = true
  return undefined
})

/** What the steps found so far: read even when the scenario is cut off at its deadline. */
interface Found {
  readonly outcomes: Map<string, Outcome>
  setup: Outcome
  stopped: Evidence | undefined
}

const judge = (found: Found, check: string, outcome: Outcome): void => {
  if (check === "setup" && found.setup.verdict !== "pass") return
  if (check === "setup") found.setup = outcome
  else found.outcomes.set(check, outcome)
  if (outcome.verdict === "fail" && outcome.stop) found.stopped = outcome.evidence
}

const act = (world: World, scenario: Scenario, found: Found): Effect.Effect<void, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const failed = yield* prepare(world, scenario)
    if (failed !== undefined) {
      found.setup = failed
      found.stopped = failed.verdict === "pass" ? undefined : failed.evidence
      return
    }
    for (const [position, step] of scenario.steps.entries()) {
      if (step.profiles !== undefined && !step.profiles.includes(world.profile)) continue
      const outcome = yield* play(world, step, position + 1)
      if ("check" in step) judge(found, step.check, outcome)
      else if (outcome.verdict !== "pass") judge(found, "setup", outcome)
      if (found.stopped !== undefined) return
    }
    for (const who of world.actors.values()) {
      const usable =
        world.transport === "http" || (who.line !== undefined && who.line.closing === undefined && !who.line.leaving)
      if (usable && world.scope.has(`${who.name}.sid`)) yield* leave(world, who)
    }
  })

const wire = (world: World): Outcome => {
  for (const who of world.actors.values()) {
    const faults = who.lines.flatMap((line) => line.faults)
    if (faults.length === 0) continue
    const found = evidence(who, undefined, 0, faults.slice(0, 3).join("; "), "JSON objects or arrays of them", faults)
    return { verdict: "fail", evidence: found, stop: false }
  }
  return { verdict: "pass" }
}

const resultOf = (id: string, outcome: Outcome): CheckResult =>
  outcome.verdict === "pass" ? { id, verdict: "pass" } : { id, verdict: outcome.verdict, evidence: outcome.evidence }

const results = (world: World, scenario: Scenario, found: Found): ReadonlyArray<CheckResult> =>
  checks(scenario, world.profile).map((id) => {
    const check = id.slice(scenario.id.length + 1)
    if (check === "setup") return resultOf(id, found.setup)
    if (check === "wire") return resultOf(id, wire(world))
    const outcome = found.outcomes.get(check)
    if (outcome !== undefined) return resultOf(id, outcome)
    const stopped = found.stopped
    const reason = stopped === undefined ? "never reached" : `never reached: ${stopped.reason}`
    return {
      id,
      verdict: "not-testable",
      evidence: { step: 0, actor: "", source: undefined, reason, sent: [], came: [], wanted: "" }
    }
  })

/** The result of a scenario. Never fails: a defect of the kit is a result too. */
export const perform = (stage: Stage, scenario: Scenario): Effect.Effect<ScenarioResult> =>
  Effect.suspend(() => {
    const started = performance.now()
    const world = worldOf(stage, scenario)
    const found: Found = { outcomes: new Map(), setup: { verdict: "pass" }, stopped: undefined }
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
          return { ...base(), verdict: "error", checks: [], fault: Cause.pretty(exit.cause) }
        }
        if (Option.isNone(exit.value)) {
          const reason = `the scenario took longer than ${stage.timing.scenario} ms`
          const who = world.actors.values().next().value ?? actor(world, "")
          found.stopped ??= unable(who, reason)
          if (found.setup.verdict === "pass")
            found.setup = { verdict: "fail", evidence: unable(who, reason), stop: true }
        }
        const all = results(world, scenario, found)
        return { ...base(), verdict: all.every(({ verdict }) => verdict === "pass") ? "pass" : "fail", checks: all }
      })
    )
  })
