/**
 * One mutant for each documented field of a response or a push, from the requirements: the field is removed at one of the
 * paths where the reference server has it. A check of the requirement must detect it.
 */
import { isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"
import { readings, type Requirement, requirements } from "../../src/requirements/Requirements.ts"
import { protocols } from "../../src/index.ts"
import { aboutOf, changed, type MutationContext, type Mutant, type Packet, pathsTo, without } from "./Mutant.ts"
import type { Traffic } from "./Proxy.ts"
import { checkOf, isAnswerFor, isPacketFor, type Taken } from "./takenIds.ts"

/** Requirements of fields that the server sends. */
export const fieldRequirements: ReadonlyArray<Requirement> = protocols()
  .flatMap((protocol) => requirements(protocol))
  .filter(({ field, excluded }) => field !== undefined && field.in !== "request" && excluded === undefined)

const bodiesFor = (taken: Taken, { packets, answers }: Traffic): ReadonlyArray<JsonObject> => [
  ...packets.filter((packet) => isPacketFor(taken, packet)).map(({ body }) => body),
  ...answers.filter((answer) => isAnswerFor(taken, answer)).flatMap(({ text }) => [parse(text)].filter(isObject))
]

/**
 * The names that a field may have in one document. If a reading has several, the server may send any or all of them.
 */
const namesOf = ({ doc, field }: Requirement): ReadonlyArray<string> => {
  const name = field?.name ?? ""
  const found = readings(doc).find(({ of, forms }) => of === "key" && forms.includes(name))
  return found === undefined ? [name] : found.forms.map(String)
}

/** The paths of a field in the messages that a check consumes: keys joined by dots, `*` for the items of an array. */
export const placesOf = (check: string, requirement: Requirement, traffic: Traffic): ReadonlyArray<string> => {
  const names = namesOf(requirement)
  const paths = bodiesFor(checkOf(check).taken, traffic).flatMap((body) => names.flatMap((name) => pathsTo(body, name)))
  return [...new Set(paths.map((path) => [...path.slice(0, -1), names.join("|")].join(".")))]
}

/** The response to the kit's first barrier, which must not be mutated. */
const isBarrier = ({ about }: Packet, { asked }: MutationContext): boolean =>
  about === "chat/getpubliclist" && asked.filter((request) => aboutOf(request) === about).length === 1

/** A mutant that removes a field at one path from the messages that a check consumes. */
export const leavingOut = (check: string, place: string): Mutant => {
  const { taken } = checkOf(check)
  const keys = place.split(".")
  const last = keys.pop() ?? ""
  const out = (body: Json): Json => last.split("|").reduce((value, name) => without(value, [...keys, name]), body)
  return {
    packet: (packet, context) => [
      { send: isPacketFor(taken, packet) && !isBarrier(packet, context) ? out(packet.body) : packet.body }
    ],
    answer: (answer) => (isAnswerFor(taken, answer) ? changed(answer, out) : answer)
  }
}
