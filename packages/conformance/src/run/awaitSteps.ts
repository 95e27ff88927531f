/** Steps that wait for messages of the server, and `quiet`, which expects none. */
import * as Effect from "effect/Effect"
import { isArray, isObject, type Json, show } from "../Json.ts"
import { isAbout, type Packet } from "../transport/Connection.ts"
import { accepting } from "../match/accepting.ts"
import { match } from "../match/match.ts"
import { build } from "../match/Variables.ts"
import { mismatchText, missingReason, type Of, pass, type Run, type StepContext } from "./StepContext.ts"
import { answer, ask, barrierName, barriers } from "./ScenarioContext.ts"

/** The delay between two requests of an `until` step, in milliseconds. */
const POLL_INTERVAL_MS = 20

export const reply = (current: StepContext, step: Of<"reply">): Run => {
  const { context, actor } = current
  const pattern = current.expand(step.reply)
  const to = step.to ?? actor.openRequests[0]
  if (to === undefined) return Effect.succeed(current.skip("its request was not sent"))
  const wanted = current.wanted(pattern)
  const own = actor.openRequests[0]?.text
  const sent = own === undefined ? {} : { sent: [own] }
  return answer(context, actor, step.to === undefined || to.module !== "" ? to : undefined).pipe(
    Effect.map((packet) => {
      if (packet === undefined)
        return current.fail(`no response: ${missingReason(actor)}`, wanted, { ...sent, stop: true })
      actor.openRequests.shift()
      const result = match(pattern, packet.body, context.scope)
      const accepted = match(accepting(pattern), packet.body, context.scope).mismatches.length === 0
      current.keep(result.captures)
      if (result.mismatches.length === 0 || (accepted && step.role === "setup")) return current.pass(result)
      return current.fail(mismatchText(result.mismatches), wanted, {
        ...sent,
        came: [show(packet.body, 4_000)],
        accepted
      })
    })
  )
}

/** The module or method names that a pattern accepts, inside any matchers. */
const namesIn = (pattern: Json | undefined): ReadonlyArray<string> => {
  if (typeof pattern === "string") return pattern.startsWith("$") ? [] : [pattern]
  if (isArray(pattern)) return pattern.flatMap(namesIn)
  return isObject(pattern) ? Object.values(pattern).flatMap(namesIn) : []
}

/**
 * The unused packet of the same name that is closest to the pattern. It counts as used: it is the server's attempt at
 * this push and not an unexpected one.
 */
export const takeNearest = (current: StepContext, pattern: Json): Packet | undefined => {
  const [modules, methods] = ["module", "method"].map((key) => (isObject(pattern) ? namesIn(pattern[key]) : []))
  const isNear = ({ body }: Packet) =>
    modules?.some((module) => methods?.some((method) => isAbout(body, module, method))) === true
  const found = current.actor.connection?.packets
    .filter((packet) => !packet.used && isNear(packet))
    // A bounded number of candidates is enough for a report.
    .slice(0, 200)
    .map((packet) => ({ packet, misses: match(pattern, packet.body, current.context.scope).mismatches.length }))
    .toSorted((a, b) => a.misses - b.misses)[0]?.packet
  if (found !== undefined) found.used = true
  return found
}

/** Why a push is missing. `near` is the packet that is closest to it. */
const missing = ({ actor, context }: StepContext, pattern: Json, near: Packet | undefined): string => {
  if (near !== undefined)
    return `no such push; nearest: ${mismatchText(match(pattern, near.body, context.scope).mismatches)}`
  const { packets = [], closing, faults = [] } = actor.connection ?? {}
  const others = packets.length - actor.since
  if (closing !== undefined || others <= 0 || faults.length > 0) return `no such push: ${missingReason(actor)}`
  return `no such push: ${others === 1 ? "one other packet" : `${others} other packets`} arrived in time, and not this one`
}

/** The request that pushes follow, if another actor sent it. */
const caused = ({ actor, context }: StepContext): { readonly sent?: ReadonlyArray<string> } => {
  const { frame } = context.latest
  return frame === undefined || frame.actor === actor.name ? {} : { sent: [`(${frame.actor}) ${frame.text}`] }
}

/** A push by its label, for a reader of the steps. */
const labelled = ({ context }: StepContext, label: string): string => {
  const index = context.scenario.steps.findIndex((step) => "push" in step && step.as === label)
  const step = context.scenario.steps[index]
  return `the push of step ${index + 1}${step !== undefined && "check" in step ? ` (${step.check})` : ""}`
}

export const push = (current: StepContext, step: Of<"push">): Run => {
  const { context, actor } = current
  const connection = actor.connection
  if (connection === undefined) return Effect.succeed(current.skip("there is no connection"))
  const pattern = current.expand(step.push)
  const take = (packet: Packet) => {
    const result = match(pattern, packet.body, context.scope)
    return result.mismatches.length === 0 ? { packet, result } : undefined
  }
  return connection.next(take, context.timing.reply).pipe(
    Effect.map((found) => {
      if (found === undefined) {
        const near = takeNearest(current, pattern)
        const came = near === undefined ? {} : { came: [show(near.body, 4_000)] }
        return current.fail(missing(current, pattern, near), current.wanted(pattern), { ...caused(current), ...came })
      }
      found.packet.used = true
      current.keep(found.result.captures)
      if (step.as !== undefined) context.marks.set(step.as, found.packet)
      if (step.after === undefined) return current.pass(found.result)
      const earlier = context.marks.get(step.after)
      if (earlier === undefined)
        return current.skip(`${labelled(current, step.after)}, which this one follows, did not arrive`)
      return found.packet.order >= earlier.order
        ? current.pass(found.result)
        : current.fail(`arrived before ${labelled(current, step.after)}`, current.wanted(pattern), {
            came: [show(found.packet.body)]
          })
    })
  )
}

export const quiet = (current: StepContext, step: Of<"quiet">): Run => {
  const { context, actor } = current
  const pattern = current.expand(step.quiet)
  return barriers(context, actor).pipe(
    Effect.map((answered) => {
      const extra = actor.connection?.packets.find(
        ({ body, used }) => !used && match(pattern, body, context.scope).mismatches.length === 0
      )
      if (extra !== undefined) {
        extra.used = true
        return current.fail(
          "this must not arrive",
          { $not: current.wanted(pattern) },
          { ...caused(current), came: [show(extra.body, 4_000)] }
        )
      }
      if (answered) return pass
      const unproved = `no response to ${barrierName(context)}, which proves that nothing more arrives`
      return current.fail(unproved, undefined, { stop: true })
    })
  )
}

export const drain = ({ context, actor }: StepContext): Run =>
  barriers(context, actor).pipe(
    Effect.map(() => {
      for (const packet of actor.connection?.packets ?? []) packet.used = true
      return pass
    })
  )

export const until = (current: StepContext, step: Of<"until">): Run =>
  Effect.gen(function* () {
    const { context, actor } = current
    const pattern = current.expand(step.until)
    const deadline = performance.now() + context.timing.reply
    while (true) {
      ask(context, actor, build(current.expand(step.send), context.scope))
      const packet = yield* answer(context, actor, actor.openRequests.pop())
      if (packet === undefined) {
        return current.fail(`no response: ${missingReason(actor)}`, current.wanted(pattern), { stop: true })
      }
      const result = match(pattern, packet.body, context.scope)
      current.keep(result.captures)
      if (result.mismatches.length === 0) return current.pass(result)
      if (performance.now() > deadline) {
        return current.fail(mismatchText(result.mismatches), current.wanted(pattern), {
          came: [show(packet.body, 4_000)]
        })
      }
      yield* Effect.sleep(POLL_INTERVAL_MS)
    }
  })

export const closed = (current: StepContext, step: Of<"closed">): Run => {
  const { context, actor } = current
  const connection = actor.connection
  if (connection === undefined) return Effect.succeed(current.skip("there is no connection"))
  const wanted = context.transport === "ws" ? step.closed.code : undefined
  return connection
    .wait(() => undefined, context.timing.close)
    .pipe(
      Effect.map(() => {
        if (connection.closing === undefined) return current.fail("the server did not close the connection")
        return wanted === undefined || connection.closing.code === wanted
          ? pass
          : current.fail(`closed with ${connection.closing.code}`, wanted)
      })
    )
}
