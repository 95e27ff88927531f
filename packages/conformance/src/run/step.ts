/** Runs single steps and returns their outcomes. */
import * as Effect from "effect/Effect"
import { judge, send, type Sent } from "./http.ts"
import { equals, show } from "../Json.ts"
import { webSocketFrame } from "../transport/webSocketFrame.ts"
import { closed, drain, push, quiet, reply, takeNearest, until } from "./awaitSteps.ts"
import { match } from "../match/match.ts"
import { build, reads, writes } from "../match/Variables.ts"
import { routine } from "../scenarios/Template.ts"
import { mismatchText, type Of, type Outcome, pass, type Run, StepContext } from "./StepContext.ts"
import {
  type Actor,
  actorOf,
  ask,
  barriers,
  noteDelivered,
  open,
  transmit,
  type ScenarioContext
} from "./ScenarioContext.ts"
import type { Step } from "../scenarios/Scenario.ts"

/** The step with shapes and readings expanded in its response patterns. */
const expandStep = (current: StepContext, step: Of<"http">): Of<"http"> => {
  const { status, headers, json, text } = step.answer
  const each = Object.entries(headers ?? {}).map(([name, value]) => [name, current.expand(value)] as const)
  return {
    ...step,
    answer: {
      status: current.expand(status),
      ...(headers === undefined ? {} : { headers: Object.fromEntries(each) }),
      ...(json === undefined ? {} : { json: current.expand(json) }),
      ...(text === undefined ? {} : { text: current.expand(text) })
    }
  }
}

const http = (current: StepContext, step: Of<"http">, before?: Sent): Run => {
  const { context, actor } = current
  const full = expandStep(current, step)
  const sending = before === undefined ? send(full, context, actor.name) : Effect.succeed(before)
  return sending.pipe(
    Effect.map((one) => {
      const { problems, why, accepted, captures, lenient, sent, came, wanted, command } = judge(full, context, one)
      current.keep(captures)
      if (why === undefined && (problems.length === 0 || (accepted && step.role === "setup")))
        return current.pass({ lenient })
      return current.fail(why ?? mismatchText(problems), wanted, { sent: [sent], came: [came], command, accepted })
    })
  )
}

/** Runs the step as often as it wants, until it does not pass. */
const repeated = (current: StepContext, step: Of<"http">, before: Sent | undefined): Run =>
  Effect.gen(function* () {
    let outcome = yield* http(current, step, before)
    for (let turn = 1; turn < (step.times ?? 1) && outcome.verdict === "pass"; turn++)
      outcome = yield* http(current, step)
    return outcome
  })

/** Sends the requests of racing steps at once. */
export const race = (context: ScenarioContext, steps: ReadonlyArray<Of<"http">>): Effect.Effect<ReadonlyArray<Sent>> =>
  Effect.forEach(steps, (step) => send(step, context, step.by), { concurrency: "unbounded" })

/** The last messages of the actor, from which a compared value comes. */
const lastExchange = ({ context, actor }: StepContext): { readonly sent?: [string]; readonly came?: [string] } => {
  const last = (direction: "sent" | "came") =>
    context.exchanges.findLast((one) => one.actor === actor.name && one.direction === direction)?.text
  const [sent, came] = [last("sent"), last("came")]
  return { ...(sent === undefined ? {} : { sent: [sent] }), ...(came === undefined ? {} : { came: [came] }) }
}

const that = (current: StepContext, step: Of<"that">): Outcome => {
  const pattern = current.expand(step.is)
  const result = match(pattern, build(current.expand(step.that), current.context.scope), current.context.scope)
  return result.mismatches.length === 0
    ? current.pass(result)
    : current.fail(mismatchText(result.mismatches, step.check), current.wanted(pattern), lastExchange(current))
}

const acknowledge = (current: StepContext, step: Of<"ack">): void => {
  const { context, actor } = current
  const id = build(current.expand(step.ack), context.scope)
  if (equals(id, [])) return
  const sid = build(step.sid ?? { $ref: `${actor.name}.sid` }, context.scope)
  transmit(context, actor, JSON.stringify({ ...context.protocol.queue, id, sid }))
}

const expire = (current: StepContext): Run => {
  const { context, actor } = current
  const held = context.scope.get(`${actor.name}.sid`) ?? context.scope.get(`${actor.name}.token`)
  if (context.expiry === undefined || typeof held !== "string") {
    return Effect.succeed(current.skip("there is no token, or the account source cannot expire it"))
  }
  return context.expiry(held).pipe(
    Effect.as(pass),
    Effect.catch(({ message }) => Effect.succeed(current.skip(`the token could not be expired: ${message}`)))
  )
}

/** Whether a routine can be skipped: an actor with a token is logged in and stays so. */
const canSkipRoutine = (context: ScenarioContext, actor: Actor, name: string): boolean => {
  if (name === "leave") return context.withToken.has(actor.name)
  if (name !== "login" || !context.scope.has(`${actor.name}.token`)) return false
  const made = routine(context.protocol, name, context.wire, actor.name).flatMap((step) => [...writes({ ...step })])
  const known = made.every((one) => context.scope.has(one))
  if (known) context.withToken.add(actor.name)
  return known
}

/** Runs the steps of a routine as part of the step that uses it, until the first one that does not pass. */
export const runRoutine = (context: ScenarioContext, actor: Actor, name: string, index: number): Run =>
  Effect.gen(function* () {
    noteDelivered(context, actor)
    actor.openRequests = []
    if (canSkipRoutine(context, actor, name)) return pass
    for (const step of routine(context.protocol, name, context.wire, actor.name)) {
      const outcome = yield* runStep(context, step, index)
      if (outcome.verdict !== "pass") return outcome
    }
    return pass
  })

const dispatch = (current: StepContext, before: Sent | undefined): Run => {
  const { context, actor, step } = current
  if ("until" in step) return until(current, step)
  if ("send" in step)
    return Effect.sync(() => (ask(context, actor, build(current.expand(step.send), context.scope)), pass))
  if ("reply" in step) return reply(current, step)
  if ("push" in step) return push(current, step)
  if ("quiet" in step) return quiet(current, step)
  if ("drain" in step) return drain(current)
  if ("closed" in step) return closed(current, step)
  if ("http" in step) return repeated(current, step, before)
  if ("that" in step) return Effect.succeed(that(current, step))
  if ("expire" in step) return expire(current)
  if ("use" in step) return runRoutine(context, actor, step.use, current.index)
  if ("ack" in step) return Effect.sync(() => (acknowledge(current, step), pass))
  if ("frames" in step) {
    return Effect.sync(() => {
      const built = build(current.expand(step.frames), context.scope)
      actor.since = actor.connection?.packets.length ?? 0
      actor.sent = [show(built)]
      actor.connection?.sendBytes(Buffer.concat([built].flat().map(webSocketFrame)), show(built))
      return pass
    })
  }
  if ("raw" in step) {
    return Effect.sync(() => {
      const text = build(step.raw, context.scope)
      actor.sent = []
      transmit(context, actor, typeof text === "string" ? text : JSON.stringify(text))
      return pass
    })
  }
  if ("disconnect" in step) {
    const connection = actor.connection
    if (connection === undefined) return Effect.succeed(current.skip("there is no connection"))
    connection.close()
    return connection.wait(() => undefined, context.timing.close).pipe(Effect.as(pass))
  }
  return open(context, actor, step.connect.query).pipe(
    Effect.as(pass),
    Effect.catch(({ address, message }) =>
      Effect.succeed(current.fail(`no connection to ${address}: ${message}`, undefined, { stop: true }))
    )
  )
}

/** The steps that did not give values which a later step needs. */
const missingValues = ({ steps }: ScenarioContext["scenario"], names: ReadonlyArray<string>): string => {
  const sourceOf = (name: string) => {
    const index = steps.findIndex((step) => writes({ ...step }).has(name))
    const step = steps[index]
    const check = step !== undefined && "check" in step ? ` (${step.check})` : ""
    return index === -1 ? "no step gave" : `step ${index + 1}${check} did not give`
  }
  return [...new Set(names.map(sourceOf))]
    .map((source) => `${source} ${names.filter((name) => sourceOf(name) === source).join(", ")}`)
    .join(", and ")
}

/** Runs a step for its actor. `index` is its position for the report, from 1; `before` is a request that was sent already. */
export const runStep = (context: ScenarioContext, step: Step, index: number, before?: Sent): Run =>
  Effect.suspend(() => {
    const current = new StepContext(context, actorOf(context, step.by), step, index)
    const template = current.expand({ ...step })
    const { scenario } = context
    const fresh = "send" in step ? writes(template) : new Set<string>()
    const unknown = [...reads(template)].filter((name) => !fresh.has(name) && !context.scope.has(name))
    if (unknown.length === 0) return dispatch(current, before)
    const skipped = current.skip(`not run, because ${missingValues(scenario, unknown)}`)
    if (!("push" in step)) return Effect.succeed(skipped)
    // The packet still arrives, and must not count as unexpected later.
    const take = Effect.sync(() => takeNearest(current, current.expand(step.push)))
    return barriers(context, current.actor).pipe(Effect.andThen(take), Effect.as(skipped))
  })
