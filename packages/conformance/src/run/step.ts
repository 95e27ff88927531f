/** Plays one step at a time, and says whether what it demands was so. */
import * as Effect from "effect/Effect"
import { exchange } from "../transport/http.ts"
import { equals } from "../Json.ts"
import { closed, push, quiet, reply, takeNearest, until } from "./awaitSteps.ts"
import { match } from "../match/match.ts"
import { build, reads, writes } from "../scenarios/Variables.ts"
import { routine } from "../scenarios/Template.ts"
import { because, type Of, type Outcome, pass, type Run, StepContext } from "./StepContext.ts"
import {
  type Actor,
  actor,
  ask,
  barriers,
  noteDelivered,
  open,
  transmit,
  type ScenarioContext
} from "./ScenarioContext.ts"
import type { Step } from "../scenarios/Scenario.ts"

/** The step with shapes and readings put into everything that its answer is compared with. */
const expandStep = (turn: StepContext, step: Of<"http">): Of<"http"> => {
  const { status, headers, json, text } = step.answer
  const each = Object.entries(headers ?? {}).map(([name, value]) => [name, turn.expand(value)] as const)
  return {
    ...step,
    answer: {
      status: turn.expand(status),
      ...(headers === undefined ? {} : { headers: Object.fromEntries(each) }),
      ...(json === undefined ? {} : { json: turn.expand(json) }),
      ...(text === undefined ? {} : { text: turn.expand(text) })
    }
  }
}

const http = (turn: StepContext, step: Of<"http">): Run => {
  const full = expandStep(turn, step)
  return exchange(full, turn.world, turn.who.name).pipe(
    Effect.map(({ problems, captures, lenient, sent, came, wanted, command }) => {
      turn.keep(captures)
      if (problems.length === 0) return turn.pass({ lenient })
      turn.who.sent = [...turn.who.sent, sent].slice(-5)
      return turn.fail(problems.join("; "), wanted, { came: [came], command })
    })
  )
}

const that = (turn: StepContext, step: Of<"that">): Outcome => {
  const pattern = turn.expand(step.is)
  const result = match(pattern, build(turn.expand(step.that), turn.world.scope), turn.world.scope)
  return result.mismatches.length === 0
    ? turn.pass(result)
    : turn.fail(because(result.mismatches), turn.wanted(pattern))
}

const acknowledge = (turn: StepContext, step: Of<"ack">): void => {
  const { world, who } = turn
  const id = build(turn.expand(step.ack), world.scope)
  if (equals(id, [])) return
  const sid = build(step.sid ?? { $ref: `${who.name}.sid` }, world.scope)
  transmit(world, who, JSON.stringify({ ...world.protocol.queue, id, sid }))
}

const expire = (turn: StepContext): Run => {
  const { world, who } = turn
  const held = world.scope.get(`${who.name}.sid`) ?? world.scope.get(`${who.name}.token`)
  if (world.expiry === undefined || typeof held !== "string") {
    return Effect.succeed(turn.skip("there is no token, or nobody to let it expire"))
  }
  return world.expiry(held).pipe(
    Effect.as(pass),
    Effect.catch(({ message }) => Effect.succeed(turn.skip(`the token could not be let expire: ${message}`)))
  )
}

/** Whether a routine has nothing to do: who came with a token is in already, and keeps it. */
const isSpared = (world: ScenarioContext, who: Actor, name: string): boolean => {
  if (name === "leave") return world.given.has(who.name)
  if (name !== "login" || !world.scope.has(`${who.name}.token`)) return false
  const made = routine(world.protocol, name, world.wire, who.name).flatMap((step) => [...writes({ ...step })])
  const known = made.every((one) => world.scope.has(one))
  if (known) world.given.add(who.name)
  return known
}

/** Steps played by a routine belong to the step that used it; the first that goes wrong ends it. */
export const use = (world: ScenarioContext, who: Actor, name: string, index: number): Run =>
  Effect.gen(function* () {
    noteDelivered(world, who)
    who.asked = []
    if (isSpared(world, who, name)) return pass
    for (const step of routine(world.protocol, name, world.wire, who.name)) {
      const outcome = yield* play(world, step, index)
      if (outcome.verdict !== "pass") return outcome
    }
    return pass
  })

const act = (turn: StepContext): Run => {
  const { world, who, step } = turn
  if ("until" in step) return until(turn, step)
  if ("send" in step) return Effect.sync(() => (ask(world, who, build(turn.expand(step.send), world.scope)), pass))
  if ("reply" in step) return reply(turn, step)
  if ("push" in step) return push(turn, step)
  if ("quiet" in step) return quiet(turn, step)
  if ("closed" in step) return closed(turn, step)
  if ("http" in step) return http(turn, step)
  if ("that" in step) return Effect.succeed(that(turn, step))
  if ("expire" in step) return expire(turn)
  if ("use" in step) return use(world, who, step.use, turn.index)
  if ("ack" in step) return Effect.sync(() => (acknowledge(turn, step), pass))
  if ("raw" in step) {
    return Effect.sync(() => {
      const text = build(step.raw, world.scope)
      who.sent = []
      transmit(world, who, typeof text === "string" ? text : JSON.stringify(text))
      return pass
    })
  }
  if ("disconnect" in step) {
    const line = who.line
    if (line === undefined) return Effect.succeed(turn.skip("there is no connection"))
    line.close()
    return line.wait(() => undefined, world.timing.close).pipe(Effect.as(pass))
  }
  return open(world, who, step.connect.query).pipe(
    Effect.as(pass),
    Effect.catch(({ address, message }) =>
      Effect.succeed(turn.fail(`no connection to ${address}: ${message}`, undefined, { stop: true }))
    )
  )
}

/** Plays a step for the actor that it names. `index` is its position for the report, from 1. */
export const play = (world: ScenarioContext, step: Step, index: number): Run =>
  Effect.suspend(() => {
    const turn = new StepContext(world, actor(world, step.by), step, index)
    const template = turn.expand({ ...step })
    const fresh = "send" in step ? writes(template) : new Set<string>()
    const unknown = [...reads(template)].filter((name) => !fresh.has(name) && !world.scope.has(name))
    if (unknown.length === 0) return act(turn)
    const skipped = turn.skip(`${unknown.join(", ")} is not known, since an earlier step did not give it`)
    if (!("push" in step)) return Effect.succeed(skipped)
    // Its packet is on its way all the same, and must not be taken for one too many later.
    const take = Effect.sync(() => takeNearest(turn, turn.expand(step.push)))
    return barriers(world, turn.who).pipe(Effect.andThen(take), Effect.as(skipped))
  })
