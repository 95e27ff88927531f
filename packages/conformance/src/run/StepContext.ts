/** One step's turn, and how what it demands is said to be so or not. */
import type * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Json } from "../Json.ts"
import type { Match, Mismatch } from "../match/match.ts"
import type { Evidence } from "./Results.ts"
import type { Step } from "../scenarios/Scenario.ts"
import { build } from "../scenarios/Variables.ts"
import { expand } from "../scenarios/Template.ts"
import { type Actor, evidence, type Found, type ScenarioContext } from "./ScenarioContext.ts"

export type Outcome =
  /** `lenient`: the readings whose tolerated form was met. */
  | { readonly verdict: "pass"; readonly lenient: ReadonlyArray<string> }
  | { readonly verdict: "not-testable"; readonly evidence: Evidence }
  /** `stop`: the connection is of no more use, so nothing after this step can be judged. */
  | { readonly verdict: "fail"; readonly evidence: Evidence; readonly stop: boolean }

export const pass: Outcome = { verdict: "pass", lenient: [] }

export type Of<K extends string> = Extract<Step, { readonly [key in K]: unknown }>
export type Run = Effect.Effect<Outcome, never, EffectScope.Scope>

export const because = (mismatches: ReadonlyArray<Mismatch>): string =>
  mismatches
    .slice(0, 5)
    .map(({ path, expected, found }) => `${path === "" ? "the value" : path}: expected ${expected}, found ${found}`)
    .join("; ")

/** Everything that one step needs to be judged. */
export class StepContext {
  readonly world: ScenarioContext
  readonly who: Actor
  readonly step: Step
  readonly index: number

  constructor(world: ScenarioContext, who: Actor, step: Step, index: number) {
    this.world = world
    this.who = who
    this.step = step
    this.index = index
  }

  pass({ lenient }: Pick<Match, "lenient">): Outcome {
    return lenient.length === 0 ? pass : { verdict: "pass", lenient: [...new Set(lenient)] }
  }

  fail(reason: string, wanted?: Json, more?: Pick<Found, "came" | "command"> & { readonly stop?: boolean }): Outcome {
    const found = { step: this.step, index: this.index, reason, wanted, came: more?.came, command: more?.command }
    return { verdict: "fail", evidence: evidence(this.world, this.who, found), stop: more?.stop ?? false }
  }

  skip(reason: string): Outcome {
    const found = { step: this.step, index: this.index, reason }
    return { verdict: "not-testable", evidence: evidence(this.world, this.who, found) }
  }

  expand(template: Json): Json {
    return expand(template, this.world.protocol, this.world.wire, undefined)
  }

  wanted(pattern: Json): Json {
    return build(pattern, this.world.scope)
  }

  keep(captures: ReadonlyMap<string, Json>): void {
    for (const [name, value] of captures) {
      this.world.scope.set(name, value)
      const last = name.slice(name.lastIndexOf(".") + 1)
      if (last === "sid" || last === "token") this.world.secrets.name(value, name)
    }
  }
}

export const lost = ({ line }: Actor): string => {
  if (line === undefined) return "there is no connection"
  return line.closing === undefined ? "nothing came in time" : "the connection was closed"
}
