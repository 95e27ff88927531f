/** What is true while one scenario is played: actors, their connections, known values, what was said so far. */
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { dial, type Unreachable } from "./Dial.ts"
import { field, isArray, isObject, type Json, printable, show } from "./Json.ts"
import { isAbout, isReply, type Line, type Packet } from "./Line.ts"
import type { Evidence, Exchange } from "./Report.ts"
import type { Profile, Protocol, Step, Transport } from "./Scenario.ts"
import type { Scope } from "./Scope.ts"

export interface Target {
  /** `ws://host:port/path` */
  readonly ws?: string | undefined
  /** `tcp://host:port` */
  readonly tcp?: string | undefined
  /** `http://host:port`, without a path */
  readonly http: string
}

/** All in milliseconds. */
export interface Timing {
  /** How long an answer or a push may take. */
  readonly reply: number
  /** How long the server may take to close a connection. */
  readonly close: number
  /** How long a whole scenario may take. */
  readonly scenario: number
}

export interface Account {
  readonly account: string
  /** In plain text. */
  readonly password: string
}

interface Asked {
  readonly module: string
  readonly method: string
}

export interface Actor {
  readonly name: string
  /** The newest connection. */
  line: Line | undefined
  readonly lines: Array<Line>
  /** Requests without a response yet, oldest first. */
  asked: Array<Asked>
  /** The frames since the last response, as text. */
  sent: Array<string>
  /** Packets of the newest connection before this one came before the last frame was sent. */
  since: number
}

export interface World {
  readonly protocol: Protocol
  readonly profile: Profile
  readonly transport: Transport
  readonly target: Target
  readonly timing: Timing
  readonly scope: Scope
  readonly actors: Map<string, Actor>
  readonly exchanges: Array<Exchange>
  readonly marks: Map<string, Packet>
}

/** Enough to understand a failure; a report is not a log. */
const mostExchanges = 400

export const actor = (world: World, name: string): Actor => {
  const known = world.actors.get(name)
  if (known !== undefined) return known
  const made: Actor = { name, line: undefined, lines: [], asked: [], sent: [], since: 0 }
  world.actors.set(name, made)
  return made
}

const addressOf = (world: World, query: string | undefined): string => {
  if (world.transport === "tcp") return world.target.tcp ?? ""
  const url = new URL(world.target.ws ?? "")
  if (world.profile !== "documented") url.searchParams.set("profile", world.profile)
  for (const [key, value] of new URLSearchParams(query ?? "")) url.searchParams.set(key, value)
  return url.href
}

/** A new connection for the actor; an earlier one stays open. */
export const open = (world: World, who: Actor, query?: string): Effect.Effect<void, Unreachable, EffectScope.Scope> =>
  dial(addressOf(world, query), (direction, text) => {
    if (world.exchanges.length >= mostExchanges) return
    world.exchanges.push({ actor: who.name, direction, text: printable(text) })
  }).pipe(
    Effect.map((line) => {
      who.line = line
      who.lines.push(line)
      who.asked = []
      who.sent = []
      who.since = 0
    })
  )

const name = (value: Json | undefined): string => (typeof value === "string" ? value : "")

const withSid = (world: World, who: Actor, request: Json): Json => {
  if (!isObject(request)) return request
  const { sid, ...rest } = request
  if (sid === "$absent") return rest
  if (sid !== undefined) return request
  const own = world.scope.get(`${who.name}.sid`)
  return own === undefined ? request : Object.assign({}, request, { sid: own })
}

/** Sends a text as it is; nothing is expected in return. */
export const transmit = (who: Actor, text: string): void => {
  who.since = who.line?.packets.length ?? 0
  who.sent = [...who.sent, printable(text, 1_000)].slice(-5)
  who.line?.send(text)
}

/** Sends a request, or several in one frame, and remembers that each wants a response. */
export const ask = (world: World, who: Actor, frame: Json): void => {
  const requests = (isArray(frame) ? frame : [frame]).map((request) => withSid(world, who, request))
  if (who.asked.length === 0) who.sent = []
  for (const request of requests) {
    if (!isObject(request)) continue
    who.asked.push({ module: name(field(request, "module")), method: name(field(request, "method")) })
  }
  transmit(who, JSON.stringify(isArray(frame) ? requests : requests[0]))
}

const isStray = (body: Packet["body"]): boolean => isAbout(body, "null", "null")

/** Takes the next response about `to`; `undefined` when none came in time. */
export const answer = (world: World, who: Actor, to: Asked | undefined, strays = true) => {
  const line = who.line
  if (line === undefined) return Effect.succeed<Packet | undefined>(undefined)
  const fits = (packet: Packet) =>
    !packet.used &&
    isReply(packet.body) &&
    (to === undefined || isAbout(packet.body, to.module, to.method) || (strays && isStray(packet.body)))
  return line
    .wait(() => line.packets.find(fits), world.timing.reply)
    .pipe(
      Effect.tap((packet) =>
        Effect.sync(() => {
          if (packet !== undefined) packet.used = true
        })
      )
    )
}

/** The harmless request, for a report. */
export const barrierName = ({ protocol: { barrier } }: World): string =>
  barrier === undefined ? "nothing" : `${barrier.module}/${barrier.method}`

/**
 * The actor asks something harmless and has the answer: whatever the server sent it before is here now. False when no
 * answer came.
 */
export const barrier = (world: World, who: Actor): Effect.Effect<boolean> =>
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
export const barriers = Effect.fnUntraced(function* (world: World, last: Actor) {
  for (const who of world.actors.values()) if (who !== last) yield* barrier(world, who)
  return yield* barrier(world, last)
})

/** Makes the ids of the queue packets that the actor got known as `<actor>.delivered`. */
export const noteDelivered = (world: World, who: Actor): void => {
  if (world.protocol.queue === undefined) return
  const { module, method } = world.protocol.queue
  const ids = who.lines
    .flatMap((line) => line.packets)
    .filter(({ body }) => isAbout(body, module, method) && !isReply(body) && Number.isSafeInteger(field(body, "id")))
    .map(({ body }) => field(body, "id") ?? null)
  world.scope.set(`${who.name}.delivered`, [...new Set(ids)])
}

/** What a report says of a step that went wrong. */
export const evidence = (
  who: Actor,
  step: Step | undefined,
  index: number,
  reason: string,
  wanted: Json | undefined,
  came?: ReadonlyArray<string>
): Evidence => {
  const packets = who.line?.packets.slice(who.since) ?? []
  const closed = who.line?.closing
  return {
    step: index,
    actor: who.name,
    source: step?.source,
    reason,
    sent: who.sent,
    came: came ?? [
      ...packets.slice(-6).map(({ body }) => show(body)),
      ...(closed === undefined ? [] : [`(the connection was closed${closed.code ? ` with ${closed.code}` : ""})`])
    ],
    wanted: wanted === undefined ? "" : show(wanted, 1_200)
  }
}
