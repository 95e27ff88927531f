/** Building blocks of wire mutants. */
import { field, isArray, isObject, type Json, type JsonObject } from "../../src/Json.ts"
import type { Scenario } from "../../src/scenarios/Scenario.ts"
import {
  aboutOf,
  type Answer,
  changed,
  type Deed,
  everywhere,
  type MutationContext,
  type Mutant,
  type Packet
} from "./Mutant.ts"

export const pass = (packet: Packet): ReadonlyArray<Deed> => [{ send: packet.body }]

export const onPush =
  (change: (packet: Packet, context: MutationContext) => ReadonlyArray<Deed>): NonNullable<Mutant["packet"]> =>
  (packet, context) =>
    packet.way === "push" ? change(packet, context) : pass(packet)

export const onReply =
  (change: (packet: Packet, context: MutationContext) => ReadonlyArray<Deed>): NonNullable<Mutant["packet"]> =>
  (packet, context) =>
    packet.way === "reply" ? change(packet, context) : pass(packet)

/** Requests that no scenario can do without: logins and barriers. */
export const isEntry = (scenario: Scenario, packet: Packet, context: MutationContext): boolean =>
  packet.about === "chat/getpubliclist" ||
  (packet.about === "chat/login" &&
    context.connection < scenario.actors.length + (scenario.away?.length ?? 0) &&
    context.asked.filter((request) => aboutOf(request) === "chat/login").length === 1)

/** A delay above the kit's timeouts, in milliseconds. */
export const tooLate = 5_000

/** Checks by their ids without the protocol. */
export const of = (protocol: string, ...names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.flatMap((text) => text.split(" ")).map((name) => `${protocol}/${name}`)

export const onBodies = (scenario: Scenario, change: (body: Json) => Json): Mutant => ({
  packet: (packet, context) => (isEntry(scenario, packet, context) ? pass(packet) : [{ send: change(packet.body) }]),
  answer: (answer) => (isLogin(answer) ? answer : changed(answer, change))
})

export const isLogin = ({ path }: Answer): boolean => path.startsWith("/auth/")

export const others = (context: MutationContext): ReadonlyArray<number> =>
  context.open.filter((number) => number !== context.connection)

export const toAll = (context: MutationContext, send: Json): ReadonlyArray<Deed> =>
  context.open.map((to) => ({ send, to }))

/** The push of a server that broadcasts a request before it checks permissions. */
export const newsOf = (request: JsonObject, context: MutationContext): ReadonlyArray<JsonObject> => {
  const params = field(request, "params") ?? {}
  const gids = context.askedByAll.flatMap((one) => {
    const asked = field(one, "params")
    const gid = isObject(asked) ? field(asked, "gid") : undefined
    return typeof gid === "string" ? [gid] : []
  })
  const head = { id: 1, module: field(request, "module") ?? "", method: field(request, "method") ?? "" }
  const about = { ...context.user, ...(gids[0] === undefined ? {} : { gid: gids[0] }) }
  if (!isArray(params)) return [{ ...head, data: Object.assign(about, isObject(params) ? params : {}) }]
  return params
    .filter(isObject)
    .map((message) => ({ ...head, data: [{ ...about, user: context.user?.["id"] ?? 0, ...message }] }))
}

export const requests = (frame: Json): ReadonlyArray<JsonObject> => (isArray(frame) ? frame : [frame]).filter(isObject)

export const idsAsTexts = (value: Json): Json =>
  everywhere(value, (key, item) =>
    /^(id|ids|user|.*_id|.*Id)$/.test(key) && typeof item === "number" ? String(item) : item
  )

export const datesAsTexts = (value: Json): Json =>
  everywhere(value, (key, item) => {
    const at = /date|time/i.test(key) ? Number(item) : 0
    // Seconds or milliseconds, as a number or in digits.
    return at > 1e9 ? new Date(at > 1e11 ? at : at * 1000).toISOString() : item
  })
