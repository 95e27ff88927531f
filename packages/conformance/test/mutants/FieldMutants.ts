/**
 * One mutant for each documented field of a response or a push, from the requirements: the field is removed at one of the
 * paths where the reference server has it. A check of the requirement must detect it.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"
import { readings, type Requirement, requirements } from "../../src/requirements/Requirements.ts"
import { protocols } from "../../src/index.ts"
import { forEachStatement } from "../../src/sources/Statements.ts"
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

/** The check that detects a missing field, by requirement and path. */
export type FieldKills = { readonly [requirement: string]: { readonly [place: string]: string } }

const file = new URL("fields.txt", import.meta.url)

/**
 * `fields.txt`, which `Fields.test.ts` writes and compares with the kit: a check, and below it requirements with
 * places.
 */
export const fieldKills = (): FieldKills => {
  const kills: { [requirement: string]: { [place: string]: string } } = {}
  let check = ""
  forEachStatement(readFileSync(file, "utf8"), ({ indented, text }) => {
    if (!indented) check = text
    else {
      const prefix = check.slice(0, check.indexOf("/"))
      for (const item of text.split(",")) {
        const [id = "", place = ""] = item.trim().split(" ")
        kills[`${prefix}.${id}`] = { ...kills[`${prefix}.${id}`], [place]: check }
      }
    }
  })
  return kills
}

/** The longest line of `fields.txt`, in characters. */
const lineLength = 150

const linesOf = (check: string, items: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const item of items) {
    const last = lines.at(-1)
    if (last === undefined) lines.push(`  ${item}`)
    else if (last.length + item.length + 2 > lineLength) lines.splice(-1, 1, `${last},`, `    ${item}`)
    else lines[lines.length - 1] = `${last}, ${item}`
  }
  return [check, ...lines]
}

export const writeFieldKills = (kills: FieldKills): void => {
  const byCheck = new Map<string, Array<string>>()
  for (const [requirement, places] of Object.entries(kills)) {
    for (const [place, check] of Object.entries(places)) {
      const item = `${requirement.slice(requirement.indexOf(".") + 1)} ${place}`
      byCheck.set(check, [...(byCheck.get(check) ?? []), item])
    }
  }
  writeFileSync(file, `${Array.from(byCheck, ([check, items]) => linesOf(check, items).join("\n")).join("\n")}\n`)
}

/** Fields whose absence cannot be detected, with the reason. */
export const undetectable: { readonly [requirement: string]: string } = {
  "xuanxuan.chat.committers": "a chat may be without it",
  "xuanxuan.member.mute": "a chat may be without it",
  "xuanxuan.chat.users": "a name of the document's tables; on the wire it is `members`",
  "xuanxuan.chat.messages": "a name of the document's tables; on the wire it is an answer of its own",
  "xuanxuan.member.cgid": "a name of the document's tables; on the wire it is the chat that lists the member",
  "xuanxuan.member.user": "a name of the document's tables; on the wire it is the member's `id`",
  "xuanxuan.offline.level": "a name of the document's tables; on the wire it is the order of packets",
  "xuanxuan.file.gid": "a name of the document's tables; on the wire it is the chat that is asked for its files"
}
