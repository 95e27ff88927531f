/** The state of one running scenario: actors, connections, variables, exchanged messages. */
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Expiry } from "../accounts/Accounts.ts"
import { openConnection, type Unreachable } from "../transport/connect.ts"
import { field, isArray, isObject, type Json, printable, show } from "../Json.ts"
import { describePattern } from "../match/describePattern.ts"
import { isAbout, isReply, type Connection, type Packet } from "../transport/Connection.ts"
import { again, frames } from "../Reproduce.ts"
import type { Evidence, Exchange } from "./Results.ts"
import type { Profile, Protocol, Scenario, Step, Transport, Wire } from "../scenarios/Scenario.ts"
import type { Variables } from "../match/Variables.ts"
import type { LeakWatch } from "./LeakWatch.ts"
import type { Redactor } from "./Redactor.ts"
import type { Target } from "../transport/Target.ts"

/** Timeouts, all in milliseconds. */
export interface Timing {
  /** The timeout of a response or a push. */
  readonly reply: number
  /** The timeout of a close by the server. */
  readonly close: number
  /** The timeout of a scenario. */
  readonly scenario: number
  /** The timeout of a run; scenarios that were not run by then are not testable. */
  readonly run: number
}

interface OpenRequest {
  readonly module: string
  readonly method: string
  /** The request as it was sent, without secrets. */
  readonly text?: string
}

export interface Actor {
  readonly name: string
  /** The newest connection. */
  connection: Connection | undefined
  readonly connections: Array<Connection>
  /** The address of the newest connection. */
  address: string
  /** Requests without a response yet, oldest first. */
  openRequests: Array<OpenRequest>
  /** The frames since the last response, as text. */
  sent: Array<string>
  /** The number of packets on the newest connection when the last frame was sent. */
  since: number
}

/** The remaining characters of exchanged messages that a run keeps, over all scenarios. */
export interface Budget {
  characters: number
}

export interface ScenarioContext {
  readonly protocol: Protocol
  readonly wire: Wire
  /** Which checks are evaluated. */
  readonly profile: Profile | "all"
  readonly strict: boolean
  readonly transport: Transport
  readonly target: Target
  readonly timing: Timing
  readonly budget: Budget
  readonly expiry: Expiry | undefined
  readonly scenario: Scenario
  readonly scope: Variables
  readonly secrets: Redactor
  readonly leaks: LeakWatch
  readonly actors: Map<string, Actor>
  /** Actors whose account has a token, so that they do not log in or out. */
  readonly withToken: Set<string>
  readonly exchanges: Array<Exchange>
  /** The start of the scenario, in milliseconds of the process. */
  readonly began: number
  readonly marks: Map<string, Packet>
  /** The last frame that an actor sent, except barriers. */
  readonly latest: { frame: { readonly actor: string; readonly text: string } | undefined }
}

/** The largest number of exchanges that a scenario keeps. */
const MAX_EXCHANGES = 400
/**
 * The longest message in a report, in characters. Twice as much is kept until secrets are redacted, so that none is
 * cut.
 */
export const MAX_EXCHANGE_LENGTH = 2_000

/** Records a message within the budget. Secrets are redacted at the end of the scenario, when all of them are known. */
export const note = (context: ScenarioContext, actor: string, direction: Exchange["direction"], text: string): void => {
  context.secrets.learn(text)
  context.leaks.note(actor, direction, text)
  if (context.exchanges.length >= MAX_EXCHANGES || context.budget.characters <= 0) return
  const kept = text.slice(0, 2 * MAX_EXCHANGE_LENGTH)
  context.budget.characters -= kept.length
  context.exchanges.push({ actor, direction, text: kept, at: Math.round(performance.now() - context.began) })
}

export const actorOf = (context: ScenarioContext, name: string): Actor => {
  const known = context.actors.get(name)
  if (known !== undefined) return known
  const made: Actor = {
    name,
    connection: undefined,
    connections: [],
    address: "",
    openRequests: [],
    sent: [],
    since: 0
  }
  context.actors.set(name, made)
  return made
}

const addressOf = (context: ScenarioContext, query: string | undefined): string => {
  if (context.transport === "tcp") return context.target.tcp ?? ""
  const url = new URL(context.target.ws ?? "")
  if (context.wire !== "documented") url.searchParams.set("profile", context.wire)
  for (const [key, value] of new URLSearchParams(query ?? "")) url.searchParams.set(key, value)
  return url.href
}

/** Opens a new connection for the actor; earlier ones stay open. */
export const open = (
  context: ScenarioContext,
  actor: Actor,
  query?: string
): Effect.Effect<void, Unreachable, EffectScope.Scope> => {
  const address = addressOf(context, query)
  return openConnection(
    address,
    (direction, text) => note(context, actor.name, direction, text),
    context.timing.reply
  ).pipe(
    Effect.map((connection) => {
      actor.connection = connection
      actor.connections.push(connection)
      actor.address = address
      actor.openRequests = []
      actor.sent = []
      actor.since = 0
    })
  )
}

const name = (value: Json | undefined): string => (typeof value === "string" ? value : "")

const withSid = (context: ScenarioContext, actor: Actor, request: Json): Json => {
  if (!isObject(request)) return request
  const { sid, ...rest } = request
  if (sid === "$absent") return rest
  if (sid !== undefined) return request
  const own = context.scope.get(`${actor.name}.sid`)
  return own === undefined ? request : Object.assign({}, request, { sid: own })
}

/** Sends a text unchanged, without expecting a response. */
export const transmit = (context: ScenarioContext, actor: Actor, text: string): void => {
  actor.since = actor.connection?.packets.length ?? 0
  const shown = printable(context.secrets.hide(text.slice(0, 2 * MAX_EXCHANGE_LENGTH)), 1_000)
  actor.sent = [...actor.sent, shown].slice(-5)
  context.latest.frame = { actor: actor.name, text: shown }
  actor.connection?.send(text)
}

/** Sends a request, or several in one frame, and expects a response to each. */
export const ask = (context: ScenarioContext, actor: Actor, frame: Json): void => {
  const requests = (isArray(frame) ? frame : [frame]).map((request) => withSid(context, actor, request))
  if (actor.openRequests.length === 0) actor.sent = []
  for (const request of requests) {
    if (!isObject(request)) continue
    const text = printable(context.secrets.hide(JSON.stringify(request).slice(0, 2 * MAX_EXCHANGE_LENGTH)), 1_000)
    actor.openRequests.push({ module: name(field(request, "module")), method: name(field(request, "method")), text })
  }
  transmit(context, actor, JSON.stringify(isArray(frame) ? requests : requests[0]))
}

const isStray = (body: Packet["body"]): boolean => isAbout(body, "null", "null")

/** Takes the next response to `to`; `undefined` at the timeout. */
export const answer = (context: ScenarioContext, actor: Actor, to: OpenRequest | undefined, strays = true) => {
  const connection = actor.connection
  if (connection === undefined) return Effect.succeed<Packet | undefined>(undefined)
  const take = (packet: Packet) => {
    const about = to === undefined || isAbout(packet.body, to.module, to.method)
    if (!isReply(packet.body) || !(about || (strays && isStray(packet.body)))) return undefined
    packet.used = true
    return packet
  }
  return connection.next(take, context.timing.reply)
}

/** The name of the barrier request, for reports. */
export const barrierName = ({ protocol: { barrier } }: ScenarioContext): string =>
  barrier === undefined ? "nothing" : `${barrier.module}/${barrier.method}`

/**
 * Sends the protocol's barrier request and waits for its response: everything that the server sent before has arrived
 * then. `false` if no response came.
 */
export const barrier = (context: ScenarioContext, actor: Actor): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const request = context.protocol.barrier
    // A protocol without connections has no pending messages.
    if (request === undefined) return Effect.succeed(true)
    if (actor.connection === undefined || actor.connection.closing !== undefined) return Effect.succeed(false)
    const { sent, since } = actor
    const openRequests = [...actor.openRequests]
    const { frame } = context.latest
    ask(context, actor, { ...request })
    Object.assign(actor, { openRequests, sent, since })
    context.latest.frame = frame
    return answer(context, actor, request, false).pipe(Effect.map((packet) => packet !== undefined))
  })

/**
 * Barriers of all connected actors, `last` at the end: `last` has then received everything that their requests caused.
 */
export const barriers = Effect.fnUntraced(function* (context: ScenarioContext, last: Actor) {
  for (const actor of context.actors.values()) if (actor !== last) yield* barrier(context, actor)
  return yield* barrier(context, last)
})

/** Stores the ids of the queue packets that the actor received as `<actor>.delivered`. */
export const noteDelivered = (context: ScenarioContext, actor: Actor): void => {
  if (context.protocol.queue === undefined) return
  const { module, method } = context.protocol.queue
  const ids = actor.connections
    .flatMap((connection) => connection.packets)
    .filter(({ body }) => isAbout(body, module, method) && !isReply(body) && Number.isSafeInteger(field(body, "id")))
    .map(({ body }) => field(body, "id") ?? null)
  context.scope.set(`${actor.name}.delivered`, [...new Set(ids)])
}

/** A failure, or the reason why a step was not run. */
export interface Found {
  readonly step?: Step | undefined
  /** From 1; 0 outside of any step. */
  readonly index: number
  readonly reason: string
  readonly wanted?: Json | undefined
  /** Overrides the sent messages. */
  readonly sent?: ReadonlyArray<string> | undefined
  /** Overrides the received messages. */
  readonly came?: ReadonlyArray<string> | undefined
  /** Overrides the command that reproduces it. */
  readonly command?: string | undefined
}

/** The evidence for the report. */
export const evidence = (context: ScenarioContext, actor: Actor, found: Found): Evidence => {
  const { step, index, reason, wanted, sent, came, command } = found
  const packets = actor.connection?.packets.slice(actor.since) ?? []
  const closed = actor.connection?.closing
  const shown =
    command ??
    (actor.connection === undefined || actor.sent.length === 0 ? undefined : frames(actor.address, actor.sent))
  const played = { ...context.target, ...context, protocol: context.protocol.protocol }
  return {
    step: index,
    actor: actor.name,
    ...(step === undefined ? {} : { source: step.source }),
    reason,
    sent: sent ?? actor.sent,
    came: came ?? [
      ...packets.slice(-6).map(({ body }) => show(body, 2_000)),
      ...(actor.connection?.faults ?? []).slice(-3).map((fault) => `(${fault})`),
      ...(closed === undefined ? [] : [`(the connection was closed${closed.code ? ` with ${closed.code}` : ""})`])
    ],
    wanted: wanted === undefined ? "" : show(describePattern(wanted), 4_000),
    reproduce: [...(shown === undefined ? [] : [shown]), again(played, context.scenario.id)]
  }
}
