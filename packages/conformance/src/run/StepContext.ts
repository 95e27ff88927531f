/** The context of one step, and its outcomes. */
import type * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Json } from "../Json.ts"
import type { Match, Mismatch } from "../match/match.ts"
import type { Evidence } from "./Results.ts"
import type { Step } from "../scenarios/Scenario.ts"
import { isAbout, isReply, type Packet } from "../transport/Connection.ts"
import { build } from "../match/Variables.ts"
import { expand } from "../scenarios/Template.ts"
import { type Actor, evidence, type Found, type ScenarioContext } from "./ScenarioContext.ts"

export type Outcome =
  /** `lenient`: the readings whose tolerated form was met. */
  | { readonly verdict: "pass"; readonly lenient: ReadonlyArray<string> }
  | { readonly verdict: "not-testable"; readonly evidence: Evidence }
  /**
   * `stop`: the connection is unusable, so later steps cannot be evaluated. `accepted`: the request was accepted, and only
   * the content of the response is wrong.
   */
  | { readonly verdict: "fail"; readonly evidence: Evidence; readonly stop: boolean; readonly accepted?: boolean }

export const pass: Outcome = { verdict: "pass", lenient: [] }

export type Of<K extends string> = Extract<Step, { readonly [key in K]: unknown }>
export type Run = Effect.Effect<Outcome, never, EffectScope.Scope>

/** The largest number of mismatches in a reason. */
const MAX_MISMATCHES = 5

/**
 * The mismatches as a reason. If the request itself failed, by its status or its result, the missing content is a
 * consequence and is left out.
 */
export const mismatchText = (mismatches: ReadonlyArray<Mismatch>, whole = "the value"): string => {
  const failure = mismatches.find(({ path }) => path === "status" || path === "result")
  const causes = failure === undefined ? mismatches : [failure]
  const more = causes.length - MAX_MISMATCHES
  return [
    ...causes
      .slice(0, MAX_MISMATCHES)
      .map(({ path, expected, found }) => `${path === "" ? whole : path}: expected ${expected}, found ${found}`),
    ...(more > 0 ? [`and ${more} more`] : [])
  ].join("; ")
}

/** The context in which one step is evaluated. */
export class StepContext {
  readonly context: ScenarioContext
  readonly actor: Actor
  readonly step: Step
  readonly index: number

  constructor(context: ScenarioContext, actor: Actor, step: Step, index: number) {
    this.context = context
    this.actor = actor
    this.step = step
    this.index = index
  }

  pass({ lenient }: Pick<Match, "lenient">): Outcome {
    return lenient.length === 0 ? pass : { verdict: "pass", lenient: [...new Set(lenient)] }
  }

  fail(
    reason: string,
    wanted?: Json,
    more?: Pick<Found, "came" | "sent" | "command"> & { readonly stop?: boolean; readonly accepted?: boolean }
  ): Outcome {
    const { sent, came, command } = more ?? {}
    const found = { step: this.step, index: this.index, reason, wanted, sent, came, command }
    return {
      verdict: "fail",
      evidence: evidence(this.context, this.actor, found),
      stop: more?.stop ?? false,
      accepted: more?.accepted ?? false
    }
  }

  skip(reason: string): Outcome {
    const found = { step: this.step, index: this.index, reason }
    return { verdict: "not-testable", evidence: evidence(this.context, this.actor, found) }
  }

  expand(template: Json): Json {
    return expand(template, this.context.protocol, this.context.wire, undefined)
  }

  wanted(pattern: Json): Json {
    return build(pattern, this.context.scope)
  }

  keep(captures: ReadonlyMap<string, Json>): void {
    for (const [name, value] of captures) {
      this.context.scope.set(name, value)
      const last = name.slice(name.lastIndexOf(".") + 1)
      if (last === "sid" || last === "token") this.context.secrets.name(value, name)
    }
  }
}

/** The packet by which a server ends a connection whose account logged in elsewhere. */
const isTakeover = ({ body }: Packet): boolean =>
  !isReply(body) && (isAbout(body, "null", "null") || isAbout(body, "chat", "kickoff"))

export const missingReason = ({ connection }: Actor): string => {
  if (connection === undefined) return "there is no connection"
  const malformed = connection.faults.at(-1)
  if (connection.closing === undefined)
    return `nothing arrived in time${malformed === undefined ? "" : ` but ${malformed}`}`
  return connection.packets.some(isTakeover)
    ? "the connection was closed, because its account logged in elsewhere; another run or client may use the same accounts"
    : "the connection was closed"
}
