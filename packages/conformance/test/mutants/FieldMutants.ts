/**
 * One mutant for each documented field of an answer or a push, made from the requirements: the field is left out, at one
 * of the places where the good server has it. A check that the requirement names has to find it.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"
import { readings, type Requirement, requirements } from "../../src/requirements/Requirements.ts"
import { protocols } from "../../src/index.ts"
import { forEachStatement } from "../../src/sources/Statements.ts"
import { aboutOf, changed, type MutationContext, type Mutant, type Packet, pathsTo, without } from "./Mutant.ts"
import type { Traffic } from "./Proxy.ts"
import { checkOf, isAnswerFor, isPacketFor, type Taken } from "./takenIds.ts"

/** The requirements of fields that a server sends. */
export const fieldRequirements: ReadonlyArray<Requirement> = protocols()
  .flatMap((protocol) => requirements(protocol))
  .filter(({ field, excluded }) => field !== undefined && field.in !== "request" && excluded === undefined)

const bodiesFor = (taken: Taken, { packets, answers }: Traffic): ReadonlyArray<JsonObject> => [
  ...packets.filter((packet) => isPacketFor(taken, packet)).map(({ body }) => body),
  ...answers.filter((answer) => isAnswerFor(taken, answer)).flatMap(({ text }) => [parse(text)].filter(isObject))
]

/**
 * The names that a field may have in one document: where a reading has several, the server may send any of them, or
 * all.
 */
const namesOf = ({ doc, field }: Requirement): ReadonlyArray<string> => {
  const name = field?.name ?? ""
  const found = readings(doc).find(({ of, forms }) => of === "key" && forms.includes(name))
  return found === undefined ? [name] : found.forms.map(String)
}

/** Where the good server has a field in what a check takes: keys joined by dots, `*` for the items of an array. */
export const placesOf = (check: string, requirement: Requirement, traffic: Traffic): ReadonlyArray<string> => {
  const names = namesOf(requirement)
  const paths = bodiesFor(checkOf(check).taken, traffic).flatMap((body) => names.flatMap((name) => pathsTo(body, name)))
  return [...new Set(paths.map((path) => [...path.slice(0, -1), names.join("|")].join(".")))]
}

/** The first answer to a barrier of the kit's own, which it has to get. */
const isBarrier = ({ about }: Packet, { asked }: MutationContext): boolean =>
  about === "chat/getpubliclist" && asked.filter((request) => aboutOf(request) === about).length === 1

/** Leaves a field out of whatever a check takes, at one place. */
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

/** Requirement to place to the check that finds the field missing there. */
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

/** Fields that nobody can find missing, and why. */
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
