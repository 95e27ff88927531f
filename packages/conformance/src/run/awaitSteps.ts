/** The steps that wait for what the server says of itself or in answer, and those that want to hear nothing. */
import * as Effect from "effect/Effect"
import { isArray, isObject, type Json, show } from "../Json.ts"
import { isAbout, type Packet } from "../transport/Connection.ts"
import { match } from "../match/match.ts"
import { build } from "../scenarios/Variables.ts"
import { because, lost, type Of, pass, type Run, type StepContext } from "./StepContext.ts"
import { answer, ask, barrierName, barriers } from "./ScenarioContext.ts"

/** Between two requests of an `until` step, in milliseconds. */
const pause = 20

export const reply = (turn: StepContext, step: Of<"reply">): Run => {
  const { world, who } = turn
  const pattern = turn.expand(step.reply)
  const to = step.to ?? who.asked[0]
  if (to === undefined) return Effect.succeed(turn.skip("nothing was asked that this could answer"))
  const wanted = turn.wanted(pattern)
  return answer(world, who, step.to === undefined || to.module !== "" ? to : undefined).pipe(
    Effect.map((packet) => {
      if (packet === undefined) return turn.fail(`no response: ${lost(who)}`, wanted, { stop: true })
      who.asked.shift()
      const result = match(pattern, packet.body, world.scope)
      turn.keep(result.captures)
      if (result.mismatches.length === 0) return turn.pass(result)
      return turn.fail(because(result.mismatches), wanted, { came: [show(packet.body)] })
    })
  )
}

/** The names that a pattern takes for a module or method, whatever matchers they are in. */
const namesIn = (pattern: Json | undefined): ReadonlyArray<string> => {
  if (typeof pattern === "string") return pattern.startsWith("$") ? [] : [pattern]
  if (isArray(pattern)) return pattern.flatMap(namesIn)
  return isObject(pattern) ? Object.values(pattern).flatMap(namesIn) : []
}

/**
 * The unused packet of the same name that is most like the pattern: what a reader wants to see first. It counts as
 * used, being the server's attempt at this push and not one push too many.
 */
export const takeNearest = (turn: StepContext, pattern: Json): Packet | undefined => {
  const [modules, methods] = ["module", "method"].map((key) => (isObject(pattern) ? namesIn(pattern[key]) : []))
  const isNear = ({ body }: Packet) =>
    modules?.some((module) => methods?.some((method) => isAbout(body, module, method))) === true
  const found = turn.who.line?.packets
    .filter((packet) => !packet.used && isNear(packet))
    // A flood of them is as well shown by its beginning.
    .slice(0, 200)
    .map((packet) => ({ packet, misses: match(pattern, packet.body, turn.world.scope).mismatches.length }))
    .toSorted((a, b) => a.misses - b.misses)[0]?.packet
  if (found !== undefined) found.used = true
  return found
}

export const push = (turn: StepContext, step: Of<"push">): Run => {
  const { world, who } = turn
  const line = who.line
  if (line === undefined) return Effect.succeed(turn.skip("there is no connection"))
  const pattern = turn.expand(step.push)
  const take = (packet: Packet) => {
    const result = match(pattern, packet.body, world.scope)
    return result.mismatches.length === 0 ? { packet, result } : undefined
  }
  return line.next(take, world.timing.reply).pipe(
    Effect.map((found) => {
      if (found === undefined) {
        const near = takeNearest(turn, pattern)
        const why = near === undefined ? "" : `; nearest: ${because(match(pattern, near.body, world.scope).mismatches)}`
        const came = near === undefined ? {} : { came: [show(near.body)] }
        return turn.fail(`no such push: ${lost(who)}${why}`, turn.wanted(pattern), came)
      }
      found.packet.used = true
      turn.keep(found.result.captures)
      if (step.as !== undefined) world.marks.set(step.as, found.packet)
      if (step.after === undefined) return turn.pass(found.result)
      const earlier = world.marks.get(step.after)
      if (earlier === undefined) return turn.skip(`the packet "${step.after}" that this one follows never came`)
      return found.packet.order >= earlier.order
        ? turn.pass(found.result)
        : turn.fail(`came before the packet "${step.after}"`, turn.wanted(pattern), { came: [show(found.packet.body)] })
    })
  )
}

export const quiet = (turn: StepContext, step: Of<"quiet">): Run => {
  const { world, who } = turn
  const pattern = turn.expand(step.quiet)
  return barriers(world, who).pipe(
    Effect.map((answered) => {
      const extra = who.line?.packets.find(
        ({ body, used }) => !used && match(pattern, body, world.scope).mismatches.length === 0
      )
      if (extra !== undefined) {
        extra.used = true
        return turn.fail("this must not come", { $not: turn.wanted(pattern) }, { came: [show(extra.body)] })
      }
      if (answered) return pass
      const unproved = `no answer to ${barrierName(world)}, which proves that nothing more is on its way`
      return turn.fail(unproved, undefined, { stop: true })
    })
  )
}

export const until = (turn: StepContext, step: Of<"until">): Run =>
  Effect.gen(function* () {
    const { world, who } = turn
    const pattern = turn.expand(step.until)
    const deadline = performance.now() + world.timing.reply
    while (true) {
      ask(world, who, build(turn.expand(step.send), world.scope))
      const packet = yield* answer(world, who, who.asked.pop())
      if (packet === undefined) {
        return turn.fail(`no response: ${lost(who)}`, turn.wanted(pattern), { stop: true })
      }
      const result = match(pattern, packet.body, world.scope)
      turn.keep(result.captures)
      if (result.mismatches.length === 0) return turn.pass(result)
      if (performance.now() > deadline) {
        return turn.fail(because(result.mismatches), turn.wanted(pattern), { came: [show(packet.body)] })
      }
      yield* Effect.sleep(pause)
    }
  })

export const closed = (turn: StepContext, step: Of<"closed">): Run => {
  const { world, who } = turn
  const line = who.line
  if (line === undefined) return Effect.succeed(turn.skip("there is no connection"))
  const wanted = world.transport === "ws" ? step.closed.code : undefined
  return line
    .wait(() => undefined, world.timing.close)
    .pipe(
      Effect.map(() => {
        if (line.closing === undefined) return turn.fail("the server did not close the connection")
        return wanted === undefined || line.closing.code === wanted
          ? pass
          : turn.fail(`closed with ${line.closing.code}`, wanted)
      })
    )
}
