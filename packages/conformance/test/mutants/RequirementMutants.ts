/** The faults of `requirements/mutants.txt`, each applied to the one message that its check is about. */
import { isObject, type JsonObject } from "../../src/Json.ts"
import { directive } from "../../src/sources/Statements.ts"
import { requirement, type Requirement } from "../../src/requirements/Requirements.ts"
import type { RequirementMutant } from "../../src/requirements/Mutants.ts"
import { leavingOut } from "./FieldMutants.ts"
import { aboutOf, type Deed, type MutationContext, type Mutant, type Packet } from "./Mutant.ts"
import { acceptedPacket, answerOf, contentOf, isAnswerChange, isContentChange, refusedPacket } from "./Mutations.ts"
import { askedOf, requestOf } from "./RequestMutations.ts"
import { pass } from "./Rewrites.ts"
import { type Target, targetOf } from "./Targets.ts"

const requestWays = ["ignore", "misread"]

/** Whether a mutation is a mutant of the kill matrix, whose own tests apply it. */
export const isNamed = (mutation: string): boolean => mutation.startsWith("as ")

/** Whether it does not send something that is expected. */
export const isSilent = (mutation: string): boolean =>
  ["silent", "garbage"].includes(mutation) || /^(drop|change) (.*\.)?(module|method|result)$/.test(mutation)

/** Whether a connection is this account's: the one that it logged in with, tried to log in with, or any without a login. */
const isOf = (account: string, { user, asked }: MutationContext): boolean => {
  const tried = asked.findLast((request) => aboutOf(request) === "chat/login")?.["params"]
  const found = user?.["account"] ?? (isObject(tried) ? tried["account"] : account)
  return found === account
}

/** Selects the messages of a target; counts as it is called, so each play needs its own. */
const selector = (target: Target) => {
  let seen = 0
  const isTurn = (turn: number | undefined) => turn === undefined || seen++ === turn
  return {
    packet: ({ way, about }: Packet, context: MutationContext): boolean => {
      if (target.way === "http" || target.way !== way || !isOf(target.account, context)) return false
      return target.way === "push" ? target.about.includes(about) : target.about === about && isTurn(target.turn)
    },
    request: (request: JsonObject, context: MutationContext): boolean =>
      target.way === "reply" &&
      aboutOf(request) === target.about &&
      isOf(target.account, context) &&
      isTurn(target.turn)
  }
}

const packetOf = (name: string, place: string, packet: Packet): ReadonlyArray<Deed> => {
  if (name === "silent") return []
  if (name === "garbage") return [{ raw: "<h1>It works!</h1>" }]
  if (name === "refuse" || name === "elsewhere") return [{ send: refusedPacket(packet.body) }]
  if (name === "accept") return [{ send: acceptedPacket(packet.body) }]
  return isContentChange(name) ? [{ send: contentOf(name, place, packet.body) }] : pass(packet)
}

/** The mutant of a row, for one play. Throws for an unknown mutation. */
export const mutantOf = ({ check, mutation, requirement: id }: RequirementMutant): Mutant => {
  const [name, place] = directive(mutation)
  if (name === "drop") return leavingOut(check, place)
  const target = targetOf(check)
  const selects = selector(target)
  if (requestWays.includes(name)) {
    const operation = requirement(id)?.operation ?? ""
    return target.way === "http"
      ? { asked: (asked) => (asked.number === target.turn ? askedOf(name, place, operation, asked) : asked) }
      : { sent: (request, context) => (selects.request(request, context) ? requestOf(name, place, request) : request) }
  }
  if (!isContentChange(name) && !isAnswerChange(name) && name !== "garbage")
    throw new Error(`there is no mutation ${name}`)
  if (target.way !== "http")
    return {
      packet: (packet, context) => (selects.packet(packet, context) ? packetOf(name, place, packet) : pass(packet))
    }
  return {
    answer: (answer, before) => (answer.number === target.turn ? answerOf(name, place, answer, before) : answer)
  }
}

/** Mutations that may break a requirement without a row yet, the likeliest first. */
export const candidates = ({ id, error, field }: Requirement): ReadonlyArray<string> => {
  if (error !== undefined) return ["accept", "refuse"]
  if (field?.in === "request") return [`ignore ${field.name}`, `misread ${field.name}`]
  if (id.endsWith(".address")) return ["elsewhere"]
  if (id.endsWith(".status")) return ["status"]
  return field === undefined ? ["refuse", "silent"] : []
}
