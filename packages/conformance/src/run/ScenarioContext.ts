/** What is true while one scenario is played: actors, their connections, known values, what was said so far. */
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Expiry } from "../accounts/Accounts.ts"
import { openConnection, type Unreachable } from "../transport/connect.ts"
import { field, isArray, isObject, type Json, printable, show } from "../Json.ts"
import { describePattern } from "../match/describePattern.ts"
import { isAbout, isReply, type Connection, type Packet } from "../transport/Connection.ts"
import { again, frames } from "../Reproduce.ts"
import type { Evidence, Exchange } from "./Results.ts"
import type { Protocol, Scenario, Step, Transport, Wire } from "../scenarios/Scenario.ts"
import type { Variables } from "../scenarios/Variables.ts"
import type { Redactor } from "../report/Redactor.ts"
import type { Target } from "../transport/Target.ts"

/** All in milliseconds. */
export interface Timing {
  /** How long an answer or a push may take. */
  readonly reply: number
  /** How long the server may take to close a connection. */
  readonly close: number
  /** How long a whole scenario may take. */
  readonly scenario: number
  /** How long a whole run may take; what was not played by then is not testable. */
  readonly run: number
}

interface Asked {
  readonly module: string
  readonly method: string
}

export interface Actor {
  readonly name: string
  /** The newest connection. */
  line: Connection | undefined
  readonly lines: Array<Connection>
  /** Where the newest connection goes. */
  address: string
  /** Requests without a response yet, oldest first. */
  asked: Array<Asked>
  /** The frames since the last response, as text. */
  sent: Array<string>
  /** Packets of the newest connection before this one came before the last frame was sent. */
  since: number
}

/** How many characters of what was said a run keeps, for all its scenarios together. */
export interface Budget {
  characters: number
}

export interface ScenarioContext {
  readonly protocol: Protocol
  readonly wire: Wire
  /** Whose demands are judged. */
  readonly profile: "documented" | "hardening" | "all"
  readonly strict: boolean
  readonly transport: Transport
  readonly target: Target
  readonly timing: Timing
  readonly budget: Budget
  readonly expiry: Expiry | undefined
  readonly scenario: Scenario
  readonly scope: Variables
  readonly secrets: Redactor
  readonly actors: Map<string, Actor>
  /** The actors that came with a token, and so neither log in nor out. */
  readonly given: Set<string>
  readonly exchanges: Array<Exchange>
  readonly marks: Map<string, Packet>
}

/** Enough to understand a failure; a report is not a log. */
const mostExchanges = 400
/** Twice as much is kept until secrets are out, so that none is cut in two. */
export const longestExchange = 2_000

/** Keeps what was said as far as there is room. Its secrets go when the scenario is over and all of them are known. */
export const note = (world: ScenarioContext, actor: string, direction: Exchange["direction"], text: string): void => {
  world.secrets.learn(text)
  if (world.exchanges.length >= mostExchanges || world.budget.characters <= 0) return
  const kept = text.slice(0, 2 * longestExchange)
  world.budget.characters -= kept.length
  world.exchanges.push({ actor, direction, text: kept })
}

export const actor = (world: ScenarioContext, name: string): Actor => {
  const known = world.actors.get(name)
  if (known !== undefined) return known
  const made: Actor = { name, line: undefined, lines: [], address: "", asked: [], sent: [], since: 0 }
  world.actors.set(name, made)
  return made
}

const addressOf = (world: ScenarioContext, query: string | undefined): string => {
  if (world.transport === "tcp") return world.target.tcp ?? ""
  const url = new URL(world.target.ws ?? "")
  if (world.wire !== "documented") url.searchParams.set("profile", world.wire)
  for (const [key, value] of new URLSearchParams(query ?? "")) url.searchParams.set(key, value)
  return url.href
}

/** A new connection for the actor; an earlier one stays open. */
export const open = (
  world: ScenarioContext,
  who: Actor,
  query?: string
): Effect.Effect<void, Unreachable, EffectScope.Scope> => {
  const address = addressOf(world, query)
  return openConnection(address, (direction, text) => note(world, who.name, direction, text), world.timing.reply).pipe(
    Effect.map((line) => {
      who.line = line
      who.lines.push(line)
      who.address = address
      who.asked = []
      who.sent = []
      who.since = 0
    })
  )
}

const name = (value: Json | undefined): string => (typeof value === "string" ? value : "")

const withSid = (world: ScenarioContext, who: Actor, request: Json): Json => {
  if (!isObject(request)) return request
  const { sid, ...rest } = request
  if (sid === "$absent") return rest
  if (sid !== undefined) return request
  const own = world.scope.get(`${who.name}.sid`)
  return own === undefined ? request : Object.assign({}, request, { sid: own })
}

/** Sends a text as it is; nothing is expected in return. */
export const transmit = (world: ScenarioContext, who: Actor, text: string): void => {
  who.since = who.line?.packets.length ?? 0
  who.sent = [...who.sent, printable(world.secrets.hide(text.slice(0, 2 * longestExchange)), 1_000)].slice(-5)
  who.line?.send(text)
}

/** Sends a request, or several in one frame, and remembers that each wants a response. */
export const ask = (world: ScenarioContext, who: Actor, frame: Json): void => {
  const requests = (isArray(frame) ? frame : [frame]).map((request) => withSid(world, who, request))
  if (who.asked.length === 0) who.sent = []
  for (const request of requests) {
    if (!isObject(request)) continue
    who.asked.push({ module: name(field(request, "module")), method: name(field(request, "method")) })
  }
  transmit(world, who, JSON.stringify(isArray(frame) ? requests : requests[0]))
}

const isStray = (body: Packet["body"]): boolean => isAbout(body, "null", "null")

/** Takes the next response about `to`; `undefined` when none came in time. */
export const answer = (world: ScenarioContext, who: Actor, to: Asked | undefined, strays = true) => {
  const line = who.line
  if (line === undefined) return Effect.succeed<Packet | undefined>(undefined)
  const take = (packet: Packet) => {
    const about = to === undefined || isAbout(packet.body, to.module, to.method)
    if (!isReply(packet.body) || !(about || (strays && isStray(packet.body)))) return undefined
    packet.used = true
    return packet
  }
  return line.next(take, world.timing.reply)
}

/** The harmless request, for a report. */
export const barrierName = ({ protocol: { barrier } }: ScenarioContext): string =>
  barrier === undefined ? "nothing" : `${barrier.module}/${barrier.method}`

/**
 * The actor asks something harmless and has the answer: whatever the server sent it before is here now. False when no
 * answer came.
 */
export const barrier = (world: ScenarioContext, who: Actor): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const request = world.protocol.barrier
    // An answer by HTTP is all that there is to wait for.
    if (request === undefined) return Effect.succeed(true)
    if (who.line === undefined || who.line.closing !== undefined) return Effect.succeed(false)
    const { sent, since } = who
    const asked = [...who.asked]
    ask(world, who, { ...request })
    Object.assign(who, { asked, sent, since })
    return answer(world, who, request, false).pipe(Effect.map((packet) => packet !== undefined))
  })

/** Barriers of all connected actors, `last` at the end: what their requests caused is out, and `last` has its part. */
export const barriers = Effect.fnUntraced(function* (world: ScenarioContext, last: Actor) {
  for (const who of world.actors.values()) if (who !== last) yield* barrier(world, who)
  return yield* barrier(world, last)
})

/** Makes the ids of the queue packets that the actor got known as `<actor>.delivered`. */
export const noteDelivered = (world: ScenarioContext, who: Actor): void => {
  if (world.protocol.queue === undefined) return
  const { module, method } = world.protocol.queue
  const ids = who.lines
    .flatMap((line) => line.packets)
    .filter(({ body }) => isAbout(body, module, method) && !isReply(body) && Number.isSafeInteger(field(body, "id")))
    .map(({ body }) => field(body, "id") ?? null)
  world.scope.set(`${who.name}.delivered`, [...new Set(ids)])
}

/** Something that went wrong, or kept a step from being played. */
export interface Found {
  readonly step?: Step | undefined
  /** From 1; 0 for what belongs to no step. */
  readonly index: number
  readonly reason: string
  readonly wanted?: Json | undefined
  /** Instead of what came last. */
  readonly came?: ReadonlyArray<string> | undefined
  /** Instead of what was sent last over the connection. */
  readonly command?: string | undefined
}

/** What a report says of it. */
export const evidence = (world: ScenarioContext, who: Actor, found: Found): Evidence => {
  const { step, index, reason, wanted, came, command } = found
  const packets = who.line?.packets.slice(who.since) ?? []
  const closed = who.line?.closing
  const shown = command ?? (who.line === undefined || who.sent.length === 0 ? undefined : frames(who.address, who.sent))
  const played = { ...world.target, ...world, protocol: world.protocol.protocol }
  return {
    step: index,
    actor: who.name,
    ...(step === undefined ? {} : { source: step.source }),
    reason,
    sent: who.sent,
    came: came ?? [
      ...packets.slice(-6).map(({ body }) => show(body)),
      ...(closed === undefined ? [] : [`(the connection was closed${closed.code ? ` with ${closed.code}` : ""})`])
    ],
    wanted: wanted === undefined ? "" : show(describePattern(wanted), 1_200),
    reproduce: [...(shown === undefined ? [] : [shown]), again(played, world.scenario.id)]
  }
}
