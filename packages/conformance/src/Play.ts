/** Plays one step at a time, and says whether what it demands was so. */
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { expand, routine } from "./Catalogue.ts"
import { exchange } from "./Http.ts"
import { equals, isArray, type Json, type JsonObject, show } from "./Json.ts"
import { isAbout, type Packet } from "./Line.ts"
import { type Match, match, type Mismatch } from "./Match.ts"
import type { Evidence } from "./Report.ts"
import type { Step } from "./Scenario.ts"
import { build, reads, writes } from "./Scope.ts"
import {
  type Actor,
  actor,
  answer,
  ask,
  barrierName,
  barriers,
  evidence,
  noteDelivered,
  open,
  transmit,
  type World
} from "./World.ts"

export type Outcome =
  | { readonly verdict: "pass" }
  | { readonly verdict: "not-testable"; readonly evidence: Evidence }
  /** `stop`: the connection is of no more use, so nothing after this step can be judged. */
  | { readonly verdict: "fail"; readonly evidence: Evidence; readonly stop: boolean }

const pass: Outcome = { verdict: "pass" }
/** Between two requests of an `until` step, in milliseconds. */
const pause = 20

type Of<K extends string> = Extract<Step, { readonly [key in K]: unknown }>
type Run = Effect.Effect<Outcome, never, EffectScope.Scope>

const because = (mismatches: ReadonlyArray<Mismatch>): string =>
  mismatches
    .slice(0, 5)
    .map(({ path, expected, found }) => `${path === "" ? "the value" : path}: expected ${expected}, found ${found}`)
    .join("; ")

const keep = (world: World, result: Match): void => {
  for (const [name, value] of result.captures) world.scope.set(name, value)
}

/** Everything that one step needs to be judged. */
class Turn {
  readonly world: World
  readonly who: Actor
  readonly step: Step
  readonly index: number

  constructor(world: World, who: Actor, step: Step, index: number) {
    this.world = world
    this.who = who
    this.step = step
    this.index = index
  }

  fail(reason: string, wanted?: Json, options?: { stop?: boolean; came?: ReadonlyArray<string> }): Outcome {
    return {
      verdict: "fail",
      evidence: evidence(this.who, this.step, this.index, reason, wanted, options?.came),
      stop: options?.stop ?? false
    }
  }

  skip(reason: string): Outcome {
    return { verdict: "not-testable", evidence: evidence(this.who, this.step, this.index, reason, undefined) }
  }

  expand(template: Json): Json {
    return expand(template, this.world.protocol, this.world.profile, undefined)
  }

  wanted(pattern: Json): Json {
    return build(pattern, this.world.scope)
  }
}

const lost = (who: Actor): string =>
  who.line === undefined
    ? "there is no connection"
    : who.line.closing === undefined
      ? "nothing came in time"
      : "the connection was closed"

const reply = (turn: Turn, step: Of<"reply">): Run => {
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
      keep(world, result)
      if (result.mismatches.length === 0) return pass
      return turn.fail(because(result.mismatches), wanted, { came: [show(packet.body)] })
    })
  )
}

/**
 * The unused packet of the same name that is most like the pattern: what a reader wants to see first. It counts as
 * used, being the server's attempt at this push and not one push too many.
 */
const takeNearest = (turn: Turn, pattern: Json): Packet | undefined => {
  const like: JsonObject = typeof pattern === "object" && pattern !== null && !isArray(pattern) ? pattern : {}
  const names = [like["module"], like["method"]].map((value) => (typeof value === "string" ? value : ""))
  const misses = ({ body }: Packet) => match(pattern, body, turn.world.scope).mismatches.length
  const found = turn.who.line?.packets
    .filter((packet) => !packet.used && isAbout(packet.body, names[0] ?? "", names[1] ?? ""))
    .toSorted((a, b) => misses(a) - misses(b))[0]
  if (found !== undefined) found.used = true
  return found
}

const push = (turn: Turn, step: Of<"push">): Run => {
  const { world, who } = turn
  const line = who.line
  if (line === undefined) return Effect.succeed(turn.skip("there is no connection"))
  const pattern = turn.expand(step.push)
  const find = () => {
    for (const packet of line.packets) {
      if (packet.used) continue
      const result = match(pattern, packet.body, world.scope)
      if (result.mismatches.length === 0) return { packet, result }
    }
    return undefined
  }
  return line.wait(find, world.timing.reply).pipe(
    Effect.map((found) => {
      if (found === undefined) {
        const near = takeNearest(turn, pattern)
        const why = near === undefined ? "" : `; nearest: ${because(match(pattern, near.body, world.scope).mismatches)}`
        const came = near === undefined ? {} : { came: [show(near.body)] }
        return turn.fail(`no such push: ${lost(who)}${why}`, turn.wanted(pattern), came)
      }
      found.packet.used = true
      keep(world, found.result)
      if (step.as !== undefined) world.marks.set(step.as, found.packet)
      if (step.after === undefined) return pass
      const earlier = world.marks.get(step.after)
      if (earlier === undefined) return turn.skip(`the packet "${step.after}" that this one follows never came`)
      return found.packet.order >= earlier.order
        ? pass
        : turn.fail(`came before the packet "${step.after}"`, turn.wanted(pattern), { came: [show(found.packet.body)] })
    })
  )
}

const quiet = (turn: Turn, step: Of<"quiet">): Run => {
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
      return answered
        ? pass
        : turn.fail(`no answer to ${barrierName(world)}, which proves that nothing more is on its way`, undefined, {
            stop: true
          })
    })
  )
}

const until = (turn: Turn, step: Of<"until">): Run =>
  Effect.gen(function* () {
    const { world, who } = turn
    const pattern = turn.expand(step.until)
    const deadline = Date.now() + world.timing.reply
    while (true) {
      ask(world, who, build(turn.expand(step.send), world.scope))
      const packet = yield* answer(world, who, who.asked.pop())
      if (packet === undefined) {
        return turn.fail(`no response: ${lost(who)}`, turn.wanted(pattern), { stop: true })
      }
      const result = match(pattern, packet.body, world.scope)
      keep(world, result)
      if (result.mismatches.length === 0) return pass
      if (Date.now() > deadline) {
        return turn.fail(because(result.mismatches), turn.wanted(pattern), { came: [show(packet.body)] })
      }
      yield* Effect.sleep(pause)
    }
  })

const closed = (turn: Turn, step: Of<"closed">): Run => {
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

const http = (turn: Turn, step: Of<"http">): Run => {
  const full = { ...step, http: step.http, answer: { ...step.answer } }
  if (step.answer.json !== undefined) Object.assign(full.answer, { json: turn.expand(step.answer.json) })
  return exchange(full, turn.world).pipe(
    Effect.map(({ problems, captures, sent, came, wanted }) => {
      for (const [name, value] of captures) turn.world.scope.set(name, value)
      if (problems.length === 0) return pass
      turn.who.sent = [...turn.who.sent, sent].slice(-5)
      return turn.fail(problems.join("; "), wanted, { came: [came] })
    })
  )
}

const that = (turn: Turn, step: Of<"that">): Outcome => {
  const pattern = turn.expand(step.is)
  const result = match(pattern, build(turn.expand(step.that), turn.world.scope), turn.world.scope)
  return result.mismatches.length === 0 ? pass : turn.fail(because(result.mismatches), turn.wanted(pattern))
}

const acknowledge = (turn: Turn, step: Of<"ack">): void => {
  const { world, who } = turn
  const id = build(turn.expand(step.ack), world.scope)
  if (equals(id, [])) return
  const sid = build(step.sid ?? { $ref: `${who.name}.sid` }, world.scope)
  transmit(who, JSON.stringify({ ...world.protocol.queue, id, sid }))
}

/** Steps played by a routine belong to the step that used it; the first that goes wrong ends it. */
export const use = (world: World, who: Actor, name: string, index: number): Run =>
  Effect.gen(function* () {
    noteDelivered(world, who)
    who.asked = []
    for (const step of routine(world.protocol, name, world.profile, who.name)) {
      const outcome = yield* play(world, step, index)
      if (outcome.verdict !== "pass") return outcome
    }
    return pass
  })

const act = (turn: Turn): Run => {
  const { world, who, step } = turn
  if ("until" in step) return until(turn, step)
  if ("send" in step) return Effect.sync(() => (ask(world, who, build(turn.expand(step.send), world.scope)), pass))
  if ("reply" in step) return reply(turn, step)
  if ("push" in step) return push(turn, step)
  if ("quiet" in step) return quiet(turn, step)
  if ("closed" in step) return closed(turn, step)
  if ("http" in step) return http(turn, step)
  if ("that" in step) return Effect.succeed(that(turn, step))
  if ("use" in step) return use(world, who, step.use, turn.index)
  if ("ack" in step) return Effect.sync(() => (acknowledge(turn, step), pass))
  if ("raw" in step) {
    return Effect.sync(() => {
      const text = build(step.raw, world.scope)
      who.sent = []
      transmit(who, typeof text === "string" ? text : JSON.stringify(text))
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
export const play = (world: World, step: Step, index: number): Run =>
  Effect.suspend(() => {
    const turn = new Turn(world, actor(world, step.by), step, index)
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
